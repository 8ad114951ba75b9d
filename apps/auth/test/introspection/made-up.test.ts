import { randomBytes } from 'node:crypto'
import { generateKeyPair, SignJWT } from 'jose'
import { expect, it } from 'vitest'
import type { EventLog } from '../../src/log/index.ts'
import { ISSUER, openHousehold } from '../../src/testing/household.ts'
import { verdict } from '../../src/introspection/verdict.ts'

/** Tokens as somebody makes them up who has seen one. */
async function madeUp(kid: string, derivationKey: string): Promise<readonly string[]> {
  const { privateKey } = await generateKeyPair('ES256')
  const claims = {
    iss: ISSUER,
    sub: `u_${'0'.repeat(32)}`,
    gid: '1'.repeat(32),
    client_id: 'web',
    jti: '1',
    aud: ISSUER,
  }
  const signed = (header: object) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...header })
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey)
  const secret = randomBytes(32).toString('base64url')
  return [
    'x',
    'x'.repeat(10_000),
    await signed({}),
    await signed({ kid: 'nobody' }),
    await signed({ kid }),
    `${(await signed({ kid })).split('.').slice(0, 2).join('.')}.`,
    `r1.${derivationKey}.${'1'.repeat(32)}.0.${secret}`,
    `r1.${'0'.repeat(16)}.${'1'.repeat(32)}.0.${secret}`,
  ]
}

it('a forged token costs one lookup of the keys: nothing is read or written for it', async () => {
  const house = await openHousehold()
  const { log, signingKeys, derivationKeys, installation } = house
  const read: string[] = []
  const noted: EventLog = {
    ...log,
    last: (stream, ...more) => (read.push(stream), log.last(stream, ...more)),
    exists: (stream) => (read.push(stream), log.exists(stream)),
    page: (stream, ...more) => (read.push(stream), log.page(stream, ...more)),
  }
  const { issuerEpoch } = installation
  const dependencies = { log: noted, signingKeys, derivationKeys, issuer: ISSUER, issuerEpoch }
  const before = await log.store.head()
  const { kid } = (await signingKeys.read()).signer
  for (const token of await madeUp(kid, (await derivationKeys.read()).current))
    expect(await verdict(dependencies, token, house.clock.now()), token.slice(0, 40)).toBeUndefined()
  expect(read).toEqual([])
  expect(await log.store.head()).toBe(before)
})
