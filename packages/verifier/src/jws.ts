import { decodeProtectedHeader, type JWTPayload, type ProtectedHeaderParameters } from 'jose'

/** A compact JWS taken apart, RFC 7515 §7.1. What it says is a stranger's word until its signature was looked at. */
export interface Jws {
  readonly header: ProtectedHeaderParameters
  /** What was signed. */
  readonly input: Uint8Array
  readonly signature: Uint8Array
  /** Read when they are asked for: those of a forgery need not be. @throws when they are no JSON, with pieces of them. */
  claims(): JWTPayload
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** @param text three parts in base64url; their spelling is not looked at here. @throws when the header is none. */
export function readJws(text: string): Jws {
  const [header, payload, signature] = [text.indexOf('.'), text.indexOf('.') + 1, text.lastIndexOf('.') + 1]
  return {
    header: decodeProtectedHeader({ protected: text.slice(0, header) }),
    input: Buffer.from(text.slice(0, signature - 1), 'latin1'),
    signature: Buffer.from(text.slice(signature), 'base64url'),
    claims: () => JSON.parse(utf8.decode(Buffer.from(text.slice(payload, signature - 1), 'base64url'))) as JWTPayload,
  }
}
