type Bytes = Uint8Array<ArrayBuffer>

/**
 * The plain bytes of a piece of a body, which is compressed by itself where it has an `encoding`.
 *
 * @throws {TypeError} it cannot be unpacked
 */
export async function inflated(data: Bytes, encoding: 'gzip' | 'deflate' | undefined): Promise<Bytes> {
  if (encoding === undefined) return data
  const plain = new Blob([data]).stream().pipeThrough(new DecompressionStream(encoding))
  return new Uint8Array(await new Response(plain).arrayBuffer())
}
