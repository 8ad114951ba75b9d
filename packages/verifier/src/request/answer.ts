import type { VerifierError } from '../error/index.ts'

/** The answer to a refused request. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The registered code and its public description; neither if there was no token (RFC 6750 §3.1). */
  readonly content: { readonly error?: string; readonly error_description?: string }
  /** The content as JSON. */
  readonly body: string
}

/** The answer for an error, the same in every framework. */
export function answerOf({ status, headers, error, description }: VerifierError): Answer {
  const content = error === undefined ? {} : { error, error_description: description }
  return {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store', ...headers },
    content,
    body: JSON.stringify(content),
  }
}
