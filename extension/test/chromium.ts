// What Chromium 148 has and Node 20 has not. Only what src/ uses, and only as far as it uses it.

import './messaging'

Uint8Array.prototype.toBase64 ??= function (this: Uint8Array) {
  return Buffer.from(this).toString('base64')
}

Uint8Array.fromBase64 ??= (text: string) => {
  if (!/^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/.test(text)) throw new SyntaxError('not base64')
  return new Uint8Array(Buffer.from(text, 'base64'))
}

URL.parse ??= (text: string | URL, base?: string | URL) => (URL.canParse(text, base) ? new URL(text, base) : null)

globalThis.PageTransitionEvent ??= class extends Event {
  readonly #persisted: boolean

  constructor(type: string, init?: PageTransitionEventInit) {
    super(type, init)
    this.#persisted = init?.persisted ?? false
  }

  get persisted(): boolean {
    return this.#persisted
  }
}

globalThis.CloseEvent ??= class extends Event {
  readonly #init: CloseEventInit

  constructor(type: string, init: CloseEventInit = {}) {
    super(type, init)
    this.#init = init
  }

  get code(): number {
    return this.#init.code ?? 0
  }

  get reason(): string {
    return this.#init.reason ?? ''
  }

  get wasClean(): boolean {
    return this.#init.wasClean ?? false
  }
}

globalThis.reportError ??= (error: unknown) => {
  queueMicrotask(() => {
    throw error
  })
}

globalThis.Node ??= class {
  get baseURI(): string {
    return 'https://app.example.com/'
  }
} as unknown as typeof Node
