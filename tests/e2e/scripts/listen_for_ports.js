export default () => {
  window.caught = []
  for (const type of ['longwire:port', 'longwire:gone', 'longwire:shim', 'message']) {
    addEventListener(type, (event) => caught.push([type, event.isTrusted, event.ports?.length ?? 0]), true)
  }
}
