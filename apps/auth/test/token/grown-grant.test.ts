import { runDecision, MAX_EVENT_BYTES } from '@ledgate/eventsourcing'
import { InvalidGrant } from '@ledgate/oauth'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { type GrantState, grantStream, readGrant } from '../../src/grant/index.ts'
import { type Household, openHousehold } from '../../src/testing/household.ts'
import { command } from '../../src/testing/parts.ts'
import { tokenStream } from '../../src/grant/events.ts'

const jtiOf = (jwt: string) => String(decodeJwt(jwt).jti)
const gidOf = (refreshToken: unknown) => String(refreshToken).split('.')[2] ?? ''

async function withAnn(): Promise<Household> {
  const house = await openHousehold()
  await house.create()
  return house
}

async function bytesIn({ store }: Household): Promise<{ all: number; largest: number }> {
  let [all, largest] = [0, 0]
  for await (const { data, metadata } of store.readAll()) {
    const bytes = Buffer.byteLength(JSON.stringify([data, metadata]))
    all += bytes
    largest = Math.max(largest, bytes)
  }
  return { all, largest }
}

/** Access tokens that the release before revoked one by one, as it wrote them: until no event of the grant fits any more. */
async function grown(house: Household) {
  const { signedIn, refresh, log, clock } = house
  const first = await signedIn()
  const revoked = [first]
  let { refresh_token } = first
  for (let times = 0; times < 3; times += 1) {
    revoked.push(await refresh(refresh_token))
    refresh_token = revoked.at(-1)?.refresh_token
  }
  const gid = gidOf(refresh_token)
  const { state, revision } = (await readGrant(log, gid)) ?? { state: undefined, revision: 0n }
  if (state === undefined) throw new Error('there is no grant')
  const exp = clock.now() + 300
  const revoked_tokens = revoked.map(({ access_token }) => ({ jti: jtiOf(access_token), exp }))
  const sizeOf = (grant: GrantState) =>
    Buffer.byteLength(JSON.stringify({ jti: jtiOf(first.access_token), exp, grant }))
  const LEFT_FOR_ENVELOPE = 400
  while (sizeOf({ ...state, revoked_tokens }) < MAX_EVENT_BYTES - LEFT_FOR_ENVELOPE)
    revoked_tokens.push({ jti: crypto.randomUUID(), exp })
  const last = { jti: jtiOf(first.access_token), exp, grant: { ...state, revoked_tokens } }
  const by = { expected: revision, context: command() }
  await runDecision(() => log.append(grantStream.of(gid), [{ type: 'TokenRevoked', data: last }], by))
  return { gid, revoked, refresh_token, revoked_tokens }
}

const states = async ({ lives }: Household, tokens: readonly { access_token: string }[]) =>
  Promise.all(tokens.map(({ access_token }) => lives(access_token)))

describe('a grant that a release before let grow', () => {
  it('is renewed, and its revoked tokens stay dead; what they take in the log is no more in its state', async () => {
    const house = await withAnn()
    const { gid, revoked, refresh_token, revoked_tokens } = await grown(house)
    expect(await states(house, revoked)).toEqual(revoked.map(() => false))
    const next = await house.refresh(refresh_token)
    expect(await house.lives(next.access_token)).toBe(true)
    expect(await states(house, revoked)).toEqual(revoked.map(() => false))
    expect((await readGrant(house.log, gid))?.state.revoked_tokens).toEqual([])
    for (const { jti } of revoked_tokens) expect(await house.log.exists(tokenStream.of(jti))).toBe(true)
    await house.refresh(next.refresh_token)
  })

  it('forgets what has expired, and nothing else', async () => {
    const house = await withAnn()
    const { refresh_token, revoked_tokens, revoked } = await grown(house)
    house.clock.advance(299)
    await house.refresh(refresh_token)
    expect(await states(house, revoked)).toEqual(revoked.map(() => false))
    expect(await house.log.exists(tokenStream.of(String(revoked_tokens.at(-1)?.jti)))).toBe(true)
    const other = await grown(house)
    house.clock.advance(300)
    await house.refresh(other.refresh_token)
    expect(await house.log.exists(tokenStream.of(String(other.revoked_tokens.at(-1)?.jti)))).toBe(false)
  })

  it('is ended by its person, by its client and by reuse', async () => {
    const ends: ((house: Household, grant: Awaited<ReturnType<typeof grown>>) => Promise<unknown>)[] = [
      (house, { refresh_token }) => house.revoke(String(refresh_token)),
      (house, { revoked }) =>
        expect(house.refresh(revoked[0]?.refresh_token, 'another-attempt')).rejects.toThrow(InvalidGrant),
    ]
    for (const end of ends) {
      const house = await withAnn()
      const grant = await grown(house)
      await end(house, grant)
      expect((await readGrant(house.log, grant.gid))?.state.revoked).toBe(true)
      await expect(house.refresh(grant.refresh_token)).rejects.toThrow(InvalidGrant)
    }
  })

  it('has one event for a token that is revoked twice, also across releases', async () => {
    const house = await withAnn()
    const { revoked, refresh_token } = await grown(house)
    expect(await house.revoke(revoked[1]?.access_token ?? '')).toBeUndefined()
    const { access_token } = await house.refresh(refresh_token)
    expect(await house.revoke(revoked[1]?.access_token ?? '')).toBeUndefined()
    expect(await house.revoke(access_token)).toBeDefined()
    expect(await house.revoke(access_token)).toBeUndefined()
  })
})

describe('a grant whose tokens are revoked one by one', () => {
  it('costs the log the same bytes each time, and can be ended', async () => {
    const house = await withAnn()
    const { signedIn, refresh, revoke, lives } = house
    let { refresh_token } = await signedIn()
    const round = async () => {
      const next = await refresh(refresh_token, 'an-attempt')
      expect(await revoke(next.access_token)).toBeDefined()
      refresh_token = next.refresh_token
    }
    await round()
    const before = await bytesIn(house)
    await round()
    const each = (await bytesIn(house)).all - before.all
    const many = rounds({ quick: 200, long: 1_200 })
    for (let times = 0; times < many; times += 1) await round()
    const after = await bytesIn(house)
    expect(after.all - before.all).toBeLessThan((many + 1) * each * 1.05)
    expect(after.largest).toBeLessThan(before.largest * 1.05)
    expect(await revoke(String(refresh_token))).toBeDefined()
    expect(await lives(String(refresh_token))).toBe(false)
  })
})

describe('an event of a type that only a newer release knows', () => {
  it('in the stream of a token ends it: what is not understood is no permission', async () => {
    const house = await withAnn()
    const { access_token } = await house.signedIn()
    const event = { id: crypto.randomUUID(), type: 'TokenRevokedAnew', data: {}, metadata: {} }
    await house.store.append(`token-${jtiOf(access_token)}`, [event], { expected: 'noStream' })
    expect(await house.lives(access_token)).toBe(false)
  })
})
