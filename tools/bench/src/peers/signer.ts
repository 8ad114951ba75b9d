import { generateKeyPairSync } from 'node:crypto'
import { SignJWT, type JWTPayload } from 'jose'
import { signThroughDer, signToConcatenated, type Es256 } from './es256.ts'

/** The ways to sign that the bench compares. */
export type SignerName = (typeof SIGNERS)[number]

/** `node:crypto, DER` and `node:crypto` sign in the calling thread, `jose` in WebCrypto's thread pool. */
export const SIGNERS = ['node:crypto, DER', 'node:crypto', 'jose'] as const

/** Makes an ES256 JWT of the claims. */
export type Signer = (claims: JWTPayload) => string | Promise<string>

/** @param name one of `SIGNERS`; the first unless it is another one. */
export function signer(name: string): Signer {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  if (name === 'jose') return (claims) => new SignJWT(claims).setProtectedHeader(HEADER).sign(privateKey)
  return synchronous(name === 'node:crypto' ? signToConcatenated(privateKey) : signThroughDer(privateKey))
}

const HEADER = { alg: 'ES256', typ: 'at+jwt', kid: '0123456789abcdefghijklmnopqrstuvwxyzABCDEFG' }

function synchronous(sign: Es256): Signer {
  const head = `${base64url(HEADER)}.`
  return (claims) => {
    const input = head + base64url(claims)
    return `${input}.${sign(Buffer.from(input, 'latin1')).toString('base64url')}`
  }
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
