// What the scripts of the page's world mean by a global name: the browser's own, taken before any script of the page ran.
//
// page-bundle.mjs puts these in place of the names wherever they stand in the bundle (esbuild's `inject`), and a test says
// which name is missing here. That is for the client library, which calls the browser by name as any library does: a page
// that replaces `Promise`, `JSON.parse` or `setTimeout` later replaces them for itself. Methods of prototypes are not covered: where the shim needs those, it has
// `builtins.ts`, and who breaks `String.prototype.slice` gets a broken library, as from a package.

const OwnAbortController = AbortController
const OwnArrayBuffer = ArrayBuffer
const OwnCompressionStream = CompressionStream
const OwnDataView = DataView
const OwnDate = Date
const OwnDecompressionStream = DecompressionStream
const OwnDOMException = DOMException
const OwnError = Error
const OwnEvent = Event
const OwnEventTarget = EventTarget
const OwnHeaders = Headers
const OwnMap = Map
const OwnMessageEvent = MessageEvent
const OwnNumber = Number
const OwnPromise = Promise
const OwnReadableStream = ReadableStream
const OwnRequest = Request
const OwnResponse = Response
const OwnSet = Set
const OwnString = String
const OwnTextDecoder = TextDecoder
const OwnTextEncoder = TextEncoder
const OwnTypeError = TypeError
const OwnUint8Array = Uint8Array
const OwnURL = URL
const OwnWebSocket = WebSocket
const { from: arrayFrom, isArray: arrayIsArray } = Array
const { now: dateNow, parse: dateParse } = Date
const { parse: jsonParse, stringify: jsonStringify } = JSON
const { ceil: mathCeil, imul: mathImul, max: mathMax, min: mathMin, random: mathRandom, round: mathRound } = Math
const { isNaN: numberIsNaN } = Number
const {
  assign: objectAssign,
  create: objectCreate,
  entries: objectEntries,
  hasOwn: objectHasOwn,
  keys: objectKeys
} = Object
const { fromCharCode: stringFromCharCode } = String
const { asyncIterator: symbolAsyncIterator, iterator: symbolIterator } = Symbol
const ownGlobalThis = globalThis
const ownParseInt = parseInt
const getRandomValues = crypto.getRandomValues.bind(crypto)
const performanceNow = performance.now.bind(performance)
const startTimeout = setTimeout.bind(globalThis)
const stopTimeout = clearTimeout.bind(globalThis)
const askFrame = requestAnimationFrame.bind(globalThis)
const cancelFrame = cancelAnimationFrame.bind(globalThis)

export {
  arrayFrom as 'Array.from',
  arrayIsArray as 'Array.isArray',
  askFrame as 'globalThis.requestAnimationFrame',
  cancelFrame as 'globalThis.cancelAnimationFrame',
  dateNow as 'Date.now',
  dateParse as 'Date.parse',
  getRandomValues as 'crypto.getRandomValues',
  jsonParse as 'JSON.parse',
  jsonStringify as 'JSON.stringify',
  mathCeil as 'Math.ceil',
  mathImul as 'Math.imul',
  mathMax as 'Math.max',
  mathMin as 'Math.min',
  mathRandom as 'Math.random',
  mathRound as 'Math.round',
  numberIsNaN as 'Number.isNaN',
  OwnAbortController as AbortController,
  OwnArrayBuffer as ArrayBuffer,
  OwnCompressionStream as CompressionStream,
  OwnDataView as DataView,
  OwnDate as Date,
  OwnDecompressionStream as DecompressionStream,
  OwnDOMException as DOMException,
  OwnError as Error,
  OwnEvent as Event,
  OwnEventTarget as EventTarget,
  OwnHeaders as Headers,
  OwnMap as Map,
  OwnMessageEvent as MessageEvent,
  OwnNumber as Number,
  OwnPromise as Promise,
  OwnReadableStream as ReadableStream,
  OwnRequest as Request,
  OwnResponse as Response,
  OwnSet as Set,
  OwnString as String,
  OwnTextDecoder as TextDecoder,
  OwnTextEncoder as TextEncoder,
  OwnTypeError as TypeError,
  OwnUint8Array as Uint8Array,
  OwnURL as URL,
  OwnWebSocket as 'globalThis.WebSocket',
  objectAssign as 'Object.assign',
  objectCreate as 'Object.create',
  objectEntries as 'Object.entries',
  objectHasOwn as 'Object.hasOwn',
  objectKeys as 'Object.keys',
  ownGlobalThis as globalThis,
  ownParseInt as parseInt,
  performanceNow as 'performance.now',
  startTimeout as setTimeout,
  stopTimeout as clearTimeout,
  stringFromCharCode as 'String.fromCharCode',
  symbolAsyncIterator as 'Symbol.asyncIterator',
  symbolIterator as 'Symbol.iterator'
}
