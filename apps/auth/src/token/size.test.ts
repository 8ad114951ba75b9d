import {
  MAX_ACCESS_TOKEN,
  MAX_AUTHORIZATION_BYTES,
  MAX_RESOURCE,
  MAX_SCOPE_TOKEN,
  MAX_TOKEN_IN_FORM,
  MAX_TOKEN_IN_HEADER,
} from '@ledgate/oauth'
import fc from 'fast-check'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { changeUser } from '../user/index.ts'
import { openHousehold } from '../testing/household.ts'
import { command } from '../testing/parts.ts'
import { TYP } from './access-token.ts'
import { encrypted } from './encryption.ts'
import { lifetimesOf } from './lifetimes.ts'
import { tokenSize } from './size.ts'

const NODE_HEADERS = 16_384
/** Of 8,192 bits: whatever it is, what is wrapped by it is as long. */
const LONGEST_MODULUS = Buffer.concat([Buffer.alloc(1023, 0xc1), Buffer.of(1)]).toString('base64url')

describe('the size of a token', () => {
  it('that is issued is within what every reader takes', () => {
    expect(MAX_ACCESS_TOKEN).toBeLessThan(MAX_TOKEN_IN_HEADER)
    expect(MAX_ACCESS_TOKEN).toBeLessThanOrEqual(NODE_HEADERS - 4_096)
    expect(MAX_TOKEN_IN_HEADER).toBeLessThanOrEqual(MAX_TOKEN_IN_FORM)
  })

  it('is never larger than it was said to be before it was made, signed and encrypted by the longest keys', async () => {
    const signing = await generateKeyPair('RS256', { modulusLength: 4096 })
    const rsa = await generateKeyPair('RSA-OAEP-256', { modulusLength: 4096, extractable: true })
    const ec = await generateKeyPair('ECDH-ES+A256KW', { crv: 'P-521', extractable: true })
    const keys = [
      { alg: 'RSA-OAEP-256', enc: 'A256CBC-HS512', jwk: { ...(await exportJWK(rsa.publicKey)), kid: 'k'.repeat(300) } },
      { alg: 'ECDH-ES+A256KW', enc: 'A128GCM', jwk: await exportJWK(ec.publicKey) },
      { alg: 'RSA-OAEP-256', enc: 'A256GCM', jwk: { kty: 'RSA', n: LONGEST_MODULUS, e: 'AQAB' } },
    ] as const
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme', maxLength: 100 }), { maxLength: 60 }), async (roles) => {
        const claims = { iss: 'https://issuer.example', roles }
        const jwt = await new SignJWT(claims)
          .setProtectedHeader({ alg: 'RS256', typ: TYP, kid: 'k'.repeat(43) })
          .sign(signing.privateKey)
        expect(jwt.length).toBeLessThanOrEqual(tokenSize(claims, undefined))
        for (const encryption of keys) {
          const jwe = await encrypted(jwt, encryption, 'l'.repeat(500))
          expect(jwe.length).toBeLessThanOrEqual(tokenSize(claims, encryption))
        }
      }),
      { numRuns: rounds({ quick: 10, long: 200 }) },
    )
  })

  it('has room for the most rights, the longest identifier and the longest scope token, also encrypted', () => {
    const rights = { roles: ['r'.repeat(MAX_AUTHORIZATION_BYTES - 30)], entitlements: [] }
    const ids = { sub: `u_${'0'.repeat(32)}`, client_id: 'c'.repeat(100), sid: '0'.repeat(32), gid: '0'.repeat(32) }
    const epochs = { user_epoch: 1e6, client_epoch: 1e6, issuer_epoch: 1e13, iat: 1e9, exp: 1e9, auth_time: 1e9 }
    const names = { aud: 'a'.repeat(MAX_RESOURCE), scope: 's'.repeat(MAX_SCOPE_TOKEN), iss: 'https://id.example.com' }
    const claims = { ...rights, ...ids, ...epochs, ...names, jti: '0'.repeat(36), amr: ['pwd'] }
    const jwk = { kty: 'RSA', kid: 'k'.repeat(255), n: 'n'.repeat(683), e: 'AQAB' }
    for (const encryption of [undefined, { alg: 'RSA-OAEP-256', enc: 'A256GCM', jwk } as const])
      expect(tokenSize(claims, encryption)).toBeLessThanOrEqual(MAX_ACCESS_TOKEN)
  })

  it('of a person with more roles than fit, from an older version, is refused and costs nothing; fewer roles mend it', async () => {
    const home = await openHousehold()
    const { sub } = await home.create()
    const words = (prefix: string) => Array.from({ length: 60 }, (_, n) => `${prefix}${n}`.padEnd(100, 'r'))
    const assign = (rights: { roles: string[]; entitlements: string[] }) =>
      changeUser(home.log, sub, { type: 'AssignRoles', ...rights }, command({ type: 'operator', id: 'test' }))
    await assign({ roles: words('r'), entitlements: words('e') })
    const opened = async () => {
      let events = 0
      for await (const _ of home.store.readAll({ filter: { categories: ['grant', 'session'] } })) events += 1
      return events
    }
    const before = await opened()
    await expect(home.signedIn()).rejects.toMatchObject({ error: 'invalid_scope' })
    expect(await opened()).toBe(before)
    await assign({ roles: ['buyer'], entitlements: [] })
    expect((await home.signedIn()).access_token).toMatch(/^ey/)
  })
})

describe('a lifetime that an older version took', () => {
  it('lasts a hundred years, which is a valid date', () => {
    const forever = Number.MAX_SAFE_INTEGER
    const lifetimes = lifetimesOf(
      { refresh_token_expires_in: forever, refresh_token_idle_expires_in: forever } as never,
      3600,
    )
    for (const seconds of [lifetimes.refreshToken, lifetimes.refreshTokenIdle])
      expect(new Date(Date.now() + seconds * 1000).toISOString()).toMatch(/^21/)
  })
})
