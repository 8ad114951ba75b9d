import { specify } from '@ledgate/eventsourcing/testing'
import { describe, expect, it } from 'vitest'
import { keyring, type NewKey, TooEarly, TooManyKeys } from './keyring.decider.ts'
import type { Key, KeyringEvent } from './events.ts'
import { MAX_SUPERSEDED } from './remembered.decider.ts'

const newKey = (kid: string): NewKey => ({ kid, alg: 'ES256' })
const key = (kid: string, changes: Partial<Key> = {}): Key => ({
  kid,
  alg: 'ES256',
  status: 'standby',
  generated_at: 100,
  activated_at: null,
  superseded_at: null,
  retired_at: null,
  ...changes,
})
const generated = (kid: string, ...keys: Key[]): KeyringEvent => ({
  type: 'KeyGenerated',
  data: { kid, keyring: { keys } },
})
const activated = (kid: string, ...keys: Key[]): KeyringEvent => ({
  type: 'KeyActivated',
  data: { kid, keyring: { keys } },
})
const retired = (kid: string, ...keys: Key[]): KeyringEvent => ({
  type: 'KeyRetired',
  data: { kid, keyring: { keys } },
})

const { given } = specify(keyring)
const activeA = key('a', { status: 'active', activated_at: 100 })
const begun = generated('b', activeA, key('b'))
const publishedFor = 300

describe('the first start', () => {
  it('puts one key to use and another one standing by', () => {
    given()
      .when({ type: 'Begin', active: newKey('a'), standby: newKey('b'), now: 100 })
      .then(generated('a', key('a')), activated('a', activeA), begun)
  })

  it('has nothing to do where another one was first', () => {
    given(begun)
      .when({ type: 'Begin', active: newKey('x'), standby: newKey('y'), now: 101 })
      .thenNothing()
  })
})

describe('a rotation', () => {
  const retiringA = key('a', { status: 'retiring', activated_at: 100, superseded_at: 400 })
  const activeB = key('b', { status: 'active', activated_at: 400 })
  const rotated = [
    activated('b', retiringA, activeB),
    generated('c', retiringA, activeB, key('c', { generated_at: 400 })),
  ]

  it('puts the key to use that stood by, keeps the old one for its tokens and makes another one', () => {
    given(begun)
      .when({ type: 'Rotate', standby: newKey('c'), now: 400, publishedFor })
      .then(...rotated)
  })

  it('is refused before the key was published for long enough, in words that say how long to wait', () => {
    given(begun)
      .when({ type: 'Rotate', standby: newKey('c'), now: 399, publishedFor })
      .thenThrows(TooEarly, 'rotate again in 1 s')
  })

  it('is refused right after another one', () => {
    given(...rotated)
      .when({ type: 'Rotate', standby: newKey('d'), now: 401, publishedFor })
      .thenThrows(TooEarly)
  })

  it('by schedule happens once the period is over', () => {
    given(begun)
      .when({ type: 'RotateWhenDue', standby: newKey('c'), now: 400, publishedFor, period: 300 })
      .then(...rotated)
  })

  it('by schedule has nothing to do before, while the next key is too new, and after another process did it', () => {
    const due = { type: 'RotateWhenDue', standby: newKey('x'), publishedFor } as const
    given(begun)
      .when({ ...due, now: 400, period: 301 })
      .thenNothing()
    given(begun)
      .when({ ...due, now: 399, period: 1 })
      .thenNothing()
    given(...rotated)
      .when({ ...due, now: 400, period: 300 })
      .thenNothing()
  })
})

describe('so many keys that were superseded', () => {
  const standing = [key('x', { status: 'active', activated_at: 100 }), key('y')]
  const retiring = (count: number) =>
    Array.from({ length: count }, (_, n) =>
      key(`r${n}`, { status: 'retiring', activated_at: 100, superseded_at: 100 + n }),
    )
  const full = generated('y', ...retiring(MAX_SUPERSEDED), ...standing)
  const another = { standby: newKey('z'), now: 500, publishedFor: 0 }

  it('leave no room for another rotation: it is refused, and the schedule waits', () => {
    given(full)
      .when({ type: 'Rotate', ...another })
      .thenThrows(TooManyKeys, 'rotate again once one of them has been retired')
    given(full)
      .when({ type: 'RotateWhenDue', period: 1, ...another })
      .thenNothing()
  })

  it('leave room as soon as one of them is gone, and always to compromise one', () => {
    const rotate = keyring.decide(
      { type: 'Rotate', ...another },
      { keys: [...retiring(MAX_SUPERSEDED - 1), ...standing] },
    )
    expect(rotate).toHaveLength(2)
    for (const [kid, events] of [
      ['x', 3],
      ['y', 2],
      ['r0', 1],
    ] as const) {
      const compromise = { type: 'Compromise', kid, standby: newKey('z'), now: 500 } as const
      expect(keyring.decide(compromise, full.data.keyring)).toHaveLength(events)
    }
  })
})

describe('a key that was superseded', () => {
  const history = (superseded_at: number) => [
    generated(
      'c',
      key('a', { status: 'retiring', activated_at: 100, superseded_at }),
      key('b', { status: 'active', activated_at: superseded_at }),
      key('c', { generated_at: superseded_at }),
    ),
  ]
  const rest = [key('b', { status: 'active', activated_at: 400 }), key('c', { generated_at: 400 })]

  it('stays as long as a token of it may live', () => {
    given(...history(400))
      .when({ type: 'Retire', now: 4059, keepFor: 3660 })
      .thenNothing()
  })

  it('is retired then', () => {
    given(...history(400))
      .when({ type: 'Retire', now: 4060, keepFor: 3660 })
      .then(
        retired('a', key('a', { status: 'retired', activated_at: 100, superseded_at: 400, retired_at: 4060 }), ...rest),
      )
  })

  it('is forgotten when another one is retired long after it, so that the state does not grow for ever', () => {
    const old = key('0', { status: 'retired', activated_at: 1, superseded_at: 100, retired_at: 400 })
    const a = key('a', { status: 'retiring', activated_at: 100, superseded_at: 400 })
    const gone = { ...a, status: 'retired', retired_at: 4060 } as const
    given(generated('c', old, a, ...rest))
      .when({ type: 'Retire', now: 4060, keepFor: 3660, destroyed: ['0'] })
      .then(retired('a', gone, ...rest))
    const late = { ...old, retired_at: 401 }
    given(generated('c', late, a, ...rest))
      .when({ type: 'Retire', now: 4060, keepFor: 3660, destroyed: ['0'] })
      .then(retired('a', late, gone, ...rest))
  })

  it('is not forgotten before the vault has destroyed its secret, which nothing else names', () => {
    const old = key('0', { status: 'retired', activated_at: 1, superseded_at: 100, retired_at: 400 })
    const a = key('a', { status: 'retiring', activated_at: 100, superseded_at: 400 })
    given(generated('c', old, a, ...rest))
      .when({ type: 'Retire', now: 4060, keepFor: 3660 })
      .then(retired('a', old, { ...a, status: 'retired', retired_at: 4060 }, ...rest))
  })
})
