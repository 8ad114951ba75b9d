import { generateKeyPairSync } from 'node:crypto'
import { SignJWT, type JWTPayload } from 'jose'
import { signInPool, signThroughDer, signToConcatenated, type Es256 } from './es256.ts'

/** The ways to sign that the bench compares. */
export type SignerName = (typeof SIGNERS)[number]

/** The first signs in libuv's thread pool and `jose` in WebCrypto's; the other two in the calling thread. */
export const SIGNERS = ['node:crypto, DER, pool', 'node:crypto, DER', 'node:crypto', 'jose'] as const

/** Makes an ES256 JWT of the claims. */
export type Signer = (claims: JWTPayload) => string | Promise<string>

/** @param name one of `SIGNERS`; the first unless it is another one. */
export function signer(name: string): Signer {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  if (name === 'jose') return (claims) => new SignJWT(claims).setProtectedHeader(HEADER).sign(privateKey)
  if (name === 'node:crypto') return synchronous(signToConcatenated(privateKey))
  if (name === 'node:crypto, DER') return synchronous(signThroughDer(privateKey))
  const inPool = signInPool(privateKey)
  return async (claims) => {
    const input = HEAD + base64url(claims)
    return `${input}.${(await inPool(Buffer.from(input, 'latin1'))).toString('base64url')}`
  }
}

const HEADER = { alg: 'ES256', typ: 'at+jwt', kid: '0123456789abcdefghijklmnopqrstuvwxyzABCDEFG' }

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const HEAD = `${base64url(HEADER)}.`

function synchronous(sign: Es256): Signer {
  return (claims) => {
    const input = HEAD + base64url(claims)
    return `${input}.${sign(Buffer.from(input, 'latin1')).toString('base64url')}`
  }
}
