import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { type Ended } from '../src/statement/index.ts'
import { revocationIndex, type TokenFacts } from '../src/revocation-index/index.ts'
import { anyEnded, ISSUER } from './arbitrary.ts'
import { ends, isDead } from './naive-index.ts'

const NOW = 1_800_000_000
const LATER = NOW + 360

/** An index whose clock, in seconds, stands until a test moves it. */
function indexAt(start = NOW) {
  const time = { seconds: start }
  return { time, index: revocationIndex({ now: () => time.seconds * 1000 + 999 }) }
}

function indexOf(endings: readonly Ended[]) {
  const { index } = indexAt()
  for (const ended of endings) index.apply(ended)
  return index
}

const name = fc.constantFrom('a', 'b', 'c')
const epoch = fc.option(fc.nat({ max: 4 }), { nil: undefined })
const anyToken: fc.Arbitrary<TokenFacts> = fc.record({
  jti: name,
  client_id: name,
  sub: name,
  kid: name,
  sid: fc.option(name, { nil: undefined }),
  gid: fc.option(name, { nil: undefined }),
  isOffline: fc.boolean(),
  issuer_epoch: epoch,
  client_epoch: epoch,
  user_epoch: epoch,
})
const endings = (until = fc.integer({ min: LATER, max: LATER + 3 })) =>
  fc.array(anyEnded(name, until), { maxLength: 12 })

const token: TokenFacts = {
  jti: 'j',
  client_id: 'c',
  sub: 'u',
  kid: 'k',
  sid: 's',
  gid: 'g',
  isOffline: false,
  issuer_epoch: 2,
  client_epoch: 2,
  user_epoch: 2,
}

describe('a token', () => {
  it('is revoked exactly if any notice says so, prepared or not', () => {
    fc.assert(
      fc.property(endings(), fc.array(anyToken, { minLength: 1, maxLength: 6 }), (all, tokens) => {
        const index = indexOf(all)
        for (const each of tokens) {
          expect(index.endedBy(each) !== undefined).toBe(isDead(all, each))
          expect(index.endedBy(index.prepare(each))).toBe(index.endedBy(each))
        }
      }),
      { numRuns: rounds({ quick: 120, long: 800, soak: 4_000 }) },
    )
  })

  it('has the same result in any order of the notices, with repetitions, and after any snapshot', () => {
    const history = endings().chain((all) =>
      fc.record({
        all: fc.constant(all),
        before: fc.subarray(all),
        shuffled: fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2 }),
      }),
    )
    fc.assert(
      fc.property(history, anyToken, ({ all, before, shuffled }, each) => {
        const verdict = indexOf(all).endedBy(each)
        expect(indexOf(shuffled).endedBy(each)).toBe(verdict)
        expect(indexOf([...before, ...all]).endedBy(each)).toBe(verdict)
      }),
      { numRuns: rounds({ quick: 120, long: 800, soak: 4_000 }) },
    )
  })

  it('control: keeping the last epoch of a name instead of the highest depends on the order', () => {
    const last = (all: readonly Ended[]) => [
      ...new Map(all.map((ended) => [`${ended.scope} ${ended.id}`, ended])).values(),
    ]
    const all: Ended[] = [5, 1].map((raised) => ({ scope: 'user', id: 'u', until: LATER, epoch: raised }))
    expect(indexOf(last(all)).endedBy(token)).toBeUndefined()
    expect(indexOf(last(all.toReversed())).endedBy(token)).toBe('user')
    expect(indexOf(all).endedBy(token)).toBe('user')
  })

  const scopes: [Ended, Partial<TokenFacts>, Partial<TokenFacts>][] = [
    [{ scope: 'issuer', id: ISSUER, until: LATER, epoch: 2 }, { issuer_epoch: 1 }, {}],
    [{ scope: 'client', id: 'c', until: LATER, epoch: 2 }, { client_epoch: 1 }, {}],
    [{ scope: 'user', id: 'u', until: LATER, epoch: 2 }, { user_epoch: 1 }, {}],
    [{ scope: 'session', id: 's', until: LATER }, { isOffline: true }, { sid: 'other' }],
    [{ scope: 'online_session', id: 's', until: LATER }, {}, { isOffline: true }],
    [{ scope: 'grant', id: 'g', until: LATER }, {}, { gid: undefined }],
    [{ scope: 'jti', id: 'j', until: LATER }, {}, { jti: 'other' }],
    [{ scope: 'key', id: 'k', until: LATER }, {}, { kid: 'other' }],
  ]
  it.each(scopes)('is revoked in the scope $scope by its own id, and by no other', (ended, dead, alive) => {
    const index = indexOf([ended])
    expect(index.endedBy({ ...token, ...dead })).toBe(ended.scope)
    expect(index.endedBy({ ...token, ...alive })).toBeUndefined()
  })

  it('without a valid epoch is revoked by any notice of the scope', () => {
    const index = indexOf([{ scope: 'user', id: 'u', until: LATER, epoch: 0 }])
    expect(index.endedBy(token)).toBeUndefined()
    for (const user_epoch of [undefined, -1, -5, Number.NaN, 1.5])
      expect(index.endedBy({ ...token, user_epoch })).toBe('user')
  })

  it('is not revoked by the same id in another scope', () => {
    const same = { ...token, jti: 'x', client_id: 'x', sub: 'y', kid: 'y', sid: 'z', gid: 'w' }
    expect(indexOf([{ scope: 'user', id: 'x', until: LATER, epoch: 9 }]).endedBy(same)).toBeUndefined()
    expect(indexOf([{ scope: 'jti', id: 'y', until: LATER }]).endedBy(same)).toBeUndefined()
    expect(indexOf([{ scope: 'grant', id: 'z', until: LATER }]).endedBy(same)).toBeUndefined()
  })

  it('distinguishes epochs beyond 32 bits', () => {
    const index = indexOf([{ scope: 'user', id: 'u', until: LATER, epoch: 2 ** 52 + 1 }])
    expect(index.endedBy({ ...token, user_epoch: 2 ** 52 })).toBe('user')
    expect(index.endedBy({ ...token, user_epoch: 2 ** 52 + 1 })).toBeUndefined()
  })
})

describe('after a restore from backup, which raises the epoch of the issuer while others fall back', () => {
  const before: Ended = { scope: 'user', id: 'u', until: LATER, epoch: 7, issuer_epoch: 1 }
  const of = (issuer_epoch: number | undefined, user_epoch: number | undefined) => ({
    ...token,
    issuer_epoch,
    user_epoch,
  })

  it('a new token is valid despite notices from before the restore, and revoked tokens stay revoked', () => {
    const index = indexOf([before])
    expect(index.endedBy(of(2, 5))).toBeUndefined()
    expect(index.endedBy(of(1, 7))).toBeUndefined()
    for (const dead of [of(1, 6), of(0, 9), of(undefined, 9), of(1, undefined)])
      expect(index.endedBy(dead)).toBe('user')
  })

  it('a new revocation revokes tokens, and tokens that are issued after it are valid', () => {
    for (const all of [
      [before, { ...before, epoch: 5, issuer_epoch: 2 }],
      [{ ...before, epoch: 5, issuer_epoch: 2 }, before],
    ]) {
      const index = indexOf(all)
      expect(index.endedBy(of(2, 4))).toBe('user')
      expect(index.endedBy(of(2, 5))).toBeUndefined()
      // Every token of the life before it is dead by the notice of the issuer, too.
      expect(index.endedBy(of(1, 9))).toBe('user')
    }
  })

  it('the epochs of clients work in the same way', () => {
    const index = indexOf([{ scope: 'client', id: 'c', until: LATER, epoch: 7, issuer_epoch: 1 }])
    expect(index.endedBy({ ...token, issuer_epoch: 2, client_epoch: 0 })).toBeUndefined()
    expect(index.endedBy({ ...token, issuer_epoch: 1, client_epoch: 6 })).toBe('client')
  })

  it('a notice without issuer_epoch keeps its meaning beside those with one', () => {
    const { issuer_epoch: _, ...older } = before
    for (const all of [
      [older, { ...before, epoch: 5, issuer_epoch: 2 }],
      [{ ...before, epoch: 5, issuer_epoch: 2 }, older],
    ]) {
      expect(indexOf(all).endedBy(of(2, 6))).toBe('user')
      expect(indexOf(all).endedBy(of(2, 7))).toBeUndefined()
    }
  })

  it('a notice of the scope issuer has one epoch, whatever other members it has', () => {
    const all = [{ scope: 'issuer', id: ISSUER, until: LATER, epoch: 3, issuer_epoch: 9 }] as unknown as Ended[]
    expect(indexOf(all).endedBy(of(2, 9))).toBe('issuer')
    expect(indexOf(all).endedBy(of(3, 9))).toBeUndefined()
  })
})

describe('one scope never hides another', () => {
  // Keycloak chose one not-before over the others twice: CVE-2026-8922 and CVE-2026-18218.
  it('when the wider one is the older (CVE-2026-8922)', () => {
    const index = indexOf([
      { scope: 'issuer', id: ISSUER, until: LATER, epoch: 3 },
      { scope: 'client', id: 'c', until: LATER, epoch: 1 },
      { scope: 'user', id: 'u', until: LATER, epoch: 1 },
    ])
    expect(index.endedBy(token)).toBe('issuer')
  })

  it('when the narrower one is the lower (CVE-2026-18218)', () => {
    const index = indexOf([
      { scope: 'user', id: 'u', until: LATER, epoch: 3 },
      { scope: 'client', id: 'c', until: LATER, epoch: 2 },
      { scope: 'issuer', id: ISSUER, until: LATER, epoch: 0 },
    ])
    expect(index.endedBy(token)).toBe('user')
  })
})

it('a sign-in in the same second as the revocation is valid, and earlier ones are not', () => {
  const index = indexOf([{ scope: 'user', id: 'u', until: NOW + 360, epoch: 3 }])
  expect(index.endedBy({ ...token, user_epoch: 2 })).toBe('user')
  expect(index.endedBy({ ...token, user_epoch: 3, sid: 's2', gid: 'g2' })).toBeUndefined()
})

describe('an entry', () => {
  it('counts up to and including its second until, before and after a sweep', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ apply: anyEnded(name, fc.integer({ min: NOW - 5, max: NOW + 40 })) }),
        fc.record({ pass: fc.integer({ min: 0, max: 8 }) }),
        fc.constant({ sweep: true }),
      ),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(steps, fc.array(anyToken, { minLength: 1, maxLength: 4 }), (all, tokens) => {
        const { index, time } = indexAt()
        const nameOf = (ended: Ended) =>
          `${ended.scope} ${ended.id} ${'issuer_epoch' in ended && ended.issuer_epoch !== undefined}`
        const applied: Ended[] = []
        for (const step of all) {
          if ('pass' in step) time.seconds += step.pass
          else if ('sweep' in step) index.expire()
          else {
            index.apply(step.apply)
            applied.push(step.apply)
          }
          const live = applied.filter((ended) => ended.until >= time.seconds)
          for (const each of tokens) {
            // Of one name the highest epoch stays for as long as any of its notices, so the index may end more than they do.
            if (isDead(live, each)) expect(index.endedBy(each)).toBeDefined()
            const names = live.map(nameOf)
            const lasting = applied.filter((ended) => names.includes(nameOf(ended)))
            if (!isDead(lasting, each)) expect(index.endedBy(each)).toBeUndefined()
          }
        }
      }),
      { numRuns: rounds({ quick: 120, long: 800, soak: 4_000 }) },
    )
  })

  it('that no longer matters is not new', () => {
    const { index, time } = indexAt()
    expect(index.apply({ scope: 'jti', id: 'j', until: NOW - 1 })).toBe(false)
    expect(index.apply({ scope: 'jti', id: 'j', until: NOW })).toBe(true)
    expect(index.endedBy(token)).toBe('jti')
    time.seconds += 1
    expect(index.endedBy(token)).toBeUndefined()
  })

  it('changes the version exactly if it can revoke a token', () => {
    fc.assert(
      fc.property(endings(), anyToken, (all, each) => {
        const { index } = indexAt()
        for (const ended of all) {
          const before = { version: index.version, verdict: index.endedBy(each) }
          const isNews = index.apply(ended)
          expect(index.version > before.version).toBe(isNews)
          if (index.endedBy(each) !== before.verdict) expect(isNews).toBe(true)
          expect(index.apply(ended)).toBe(false)
        }
      }),
    )
    const { index } = indexAt()
    const versions = [
      { until: LATER, epoch: 1 },
      { until: LATER, epoch: 1 },
      { until: LATER + 1, epoch: 0 },
      { until: LATER, epoch: 2 },
    ].map((rest) => {
      index.apply({ scope: 'user', id: 'u', ...rest })
      return index.version
    })
    expect(versions).toEqual([1, 1, 2, 3])
  })

  it('with a time beyond 32 bits never expires, and its neighbours do', () => {
    const { index, time } = indexAt()
    index.apply({ scope: 'jti', id: 'j', until: 2 ** 40 })
    index.apply({ scope: 'grant', id: 'g', until: LATER })
    time.seconds = 2 ** 41
    index.expire()
    expect(index.endedBy(token)).toBe('jti')
    expect(index.size).toBe(1)
  })
})

/** As full as a million of them make the table, in the short run as well. */
const MANY = rounds({ quick: 1_000_000 / 16, long: 1_000_000 })

describe('a million entries', () => {
  const ended = (n: number, until = LATER): Ended => ({ scope: 'jti', id: `token-${n}`, until })
  const of = (n: number) => ({ ...token, jti: `token-${n}` })

  it('take at most 64 bytes each at any moment, are all found, and free their memory', () => {
    const { index, time } = indexAt()
    const before = process.memoryUsage().external
    let most = 0
    for (let n = 0; n < MANY; n += 1) {
      index.apply(ended(n))
      if (index.bytes > most) most = index.bytes
    }
    expect(index.size).toBe(MANY)
    expect(most).toBeLessThanOrEqual(64 * MANY)
    // What the process holds also has what was not collected yet: this bound is only to notice a second copy of it all.
    expect(process.memoryUsage().external - before).toBeLessThan(160_000_000)
    for (let n = 0; n < MANY; n += 97) expect(index.endedBy(of(n)), String(n)).toBe('jti')
    for (let n = 0; n < 1_000; n += 1) expect(index.endedBy(of(-1 - n))).toBeUndefined()

    time.seconds = LATER + 1
    index.expire()
    expect(index.size).toBe(0)
    expect(index.bytes).toBeLessThan(100_000)
  })

  it('expire as others are added', () => {
    const { index, time } = indexAt()
    let most = 0
    for (let n = 0; n < rounds({ quick: 30_000, long: 300_000 }); n += 1) {
      if (n % 1_000 === 0) time.seconds += 1
      index.apply(ended(n, time.seconds + 10))
      if (index.size > most) most = index.size
      // The last ten seconds are 10,000 entries, and none of them may be missed.
      if (n % 5_003 === 0 && n > 9_000) expect(index.endedBy(of(n - 9_000))).toBe('jti')
    }
    expect(most).toBeLessThan(150_000)
  })
})

it('the rules that these tests hold the index to are not trivially true', () => {
  expect(ends({ scope: 'user', id: 'u', until: LATER, epoch: 3 }, token)).toBe(true)
  expect(ends({ scope: 'user', id: 'u', until: LATER, epoch: 2 }, token)).toBe(false)
})
