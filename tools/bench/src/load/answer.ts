/** One whole HTTP answer. */
export interface Answer {
  readonly status: number
  readonly body: string
}

const LENGTH = /\r\ncontent-length: *(\d+)/i
const CHUNKED = /\r\ntransfer-encoding: *chunked/i

/**
 * The answer in these bytes, or undefined while some of it is missing. Knows what the servers of this bench send
 * (a length, chunks, or no body), nothing more: a full parser would take the cores that the servers are measured on.
 */
export function readAnswer(bytes: Buffer): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const status = Number(head.slice(9, 12))
  const length = LENGTH.exec(head)?.[1]
  if (length !== undefined) return readSized(bytes, { status, start: end + 4, length: Number(length) })
  return CHUNKED.test(head) ? readChunks(bytes, status, end + 4) : { status, body: '' }
}

function readSized(bytes: Buffer, sized: { status: number; start: number; length: number }): Answer | undefined {
  const stop = sized.start + sized.length
  return bytes.length < stop ? undefined : { status: sized.status, body: bytes.toString('latin1', sized.start, stop) }
}

function readChunks(bytes: Buffer, status: number, start: number): Answer | undefined {
  let body = ''
  for (let at = start; ;) {
    const line = bytes.indexOf('\r\n', at)
    if (line < 0) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
    if (bytes.length < line + 2 + size + 2) return undefined
    if (size === 0) return { status, body }
    body += bytes.toString('latin1', line + 2, line + 2 + size)
    at = line + 2 + size + 2
  }
}
