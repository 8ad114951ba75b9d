import { withDeadline } from '../time/index.ts'

/** The limits of one fetch. */
export interface FetchLimits {
  readonly fetch: typeof fetch
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** More than any key set, metadata or introspection needs. */
const MAX_BYTES = 262_144

/** Reads a body up to the limit. @throws {Error} if it is longer. */
export async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/**
 * Gets a JSON document as text: at most 256 KiB, within the timeout, without redirects. The content type does not matter unless it
 * is that of a web page, since file servers may use `text/plain` or none.
 *
 * @throws {Error} for everything else, with the URL and the cause.
 */
export async function fetchJsonText(uri: string, { fetch, timeoutMs, signal }: FetchLimits): Promise<string> {
  try {
    return await withDeadline((deadline) => get(uri, fetch, deadline), timeoutMs, signal)
  } catch (cause) {
    throw new Error(`GET ${uri}: ${reason(cause)}`, { cause })
  }
}

const WEB_PAGE = /^\s*(?:text\/html|application\/xhtml\+xml)\b/i

async function get(uri: string, fetch: FetchLimits['fetch'], signal: AbortSignal): Promise<string> {
  const headers = { accept: 'application/jwk-set+json, application/json' }
  const response = await fetch(uri, { headers, redirect: 'error', signal })
  const type = response.headers.get('content-type') ?? ''
  if (response.status === 200 && !WEB_PAGE.test(type)) return (await boundedText(response)).replace(/^\uFEFF/, '')
  await response.body?.cancel()
  throw new Error(response.status === 200 ? `content type ${JSON.stringify(type)}` : `status ${response.status}`)
}

const reason = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
