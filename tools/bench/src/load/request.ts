/** Where a request goes and who makes it. `authorization` is the header's whole value. */
export interface Target {
  readonly port: number
  readonly path: string
  readonly authorization?: string
}

/** RFC 6749 §2.3.1: both halves form-encoded before they are joined. */
export function basic(client: { readonly id: string; readonly secret: string }): string {
  const pair = `${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

/** One whole HTTP/1.1 POST as ASCII text, made once and written as it is. */
export function formRequest(target: Target, form: Readonly<Record<string, string>>): string {
  return post(target, 'application/x-www-form-urlencoded', new URLSearchParams(form).toString())
}

/** The same for a JSON body; characters outside ASCII are escaped so that the text stays one byte a character. */
export function jsonRequest(target: Target, value: unknown): string {
  const text = JSON.stringify(value).replace(/[\u0080-\uffff]/g, escape)
  return post(target, 'application/json', text)
}

/** A GET with nothing but the host. */
export function getRequest({ port, path }: Target): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
}

const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

function post({ port, path, authorization }: Target, type: string, body: string): string {
  const credentials = authorization === undefined ? '' : `Authorization: ${authorization}\r\n`
  return (
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${credentials}` +
    `Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  )
}
