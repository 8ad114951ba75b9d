import { MAX_EVENT_BYTES } from '@ledgate/eventsourcing'
import {
  jsonBytes,
  MAX_AUTHORIZATION_BYTES,
  MAX_METADATA_BYTES,
  NewClientMetadata,
  NewResourceMetadata,
} from '@ledgate/oauth'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { user } from '../account/user.decider.ts'
import { administrators, MAX_ADMINISTRATORS } from '../administrator/decider.ts'
import { client } from '../client/decider.ts'
import { grant } from '../grant/decider.ts'
import { resource } from '../resource/decider.ts'
import { session } from '../session/decider.ts'

/** What the envelope of an event takes beside its data, and more. */
const ENVELOPE = 2_048
/** What older versions could write; what ends it is written by this one. */
const OLDER_LIMIT = 64 * 1024
const numRuns = process.env['LONG'] === undefined ? 40 : 1_000

const reason = 'r'.repeat(200)
const sizes = (events: readonly { readonly data: unknown }[]) => events.map(({ data }) => jsonBytes(data) + ENVELOPE)
const underHalf = (events: readonly { readonly data: unknown }[]) => {
  for (const size of sizes(events)) expect(size).toBeLessThan(MAX_EVENT_BYTES / 2)
}

/** Metadata as large as it may be, by addresses of any length. */
const uris = (length: number) => {
  const all: string[] = []
  while (all.length < 100 && jsonBytes(all) + length + 40 < MAX_METADATA_BYTES - 700)
    all.push(`https://app.example/${String(all.length).padEnd(length, 'r')}`)
  return all
}
const clientMetadata = fc
  .record({ length: fc.integer({ min: 10, max: 15_000 }), scope: fc.constantFrom('', 'plain', 'a b c') })
  .map(({ length, scope }) =>
    NewClientMetadata.parse({ grant_types: ['client_credentials'], redirect_uris: uris(length), scope }),
  )
const resourceMetadata = fc.integer({ min: 1, max: 140 }).map((length) =>
  NewResourceMetadata.parse({
    resource: 'https://api.example/',
    scopes_supported: Array.from({ length: 100 }, (_, n) => `${n}`.padEnd(length, 's')),
  }),
)
const secret = (n: number) => ({ secret_id: `s${n}`, sha256: 'h'.repeat(43), created_at: 1, expires_at: 0 })

const steps = fc.array(fc.nat({ max: 5 }), { maxLength: 12 })

function quietly<Events>(decide: () => Events): Events | [] {
  try {
    return decide()
  } catch {
    return []
  }
}

describe('after any history, whatever ends something is under half the limit', () => {
  it('of a client, with metadata as large as it may be', () => {
    fc.assert(
      fc.property(clientMetadata, clientMetadata, steps, (first, next, choices) => {
        const register = {
          type: 'Register',
          client_id: 'c'.repeat(100),
          metadata: first,
          secrets: [secret(0)],
          now: 1,
        } as const
        let state = client.decide(register, undefined).reduce(client.evolve, undefined as never)
        for (const [n, choice] of choices.entries()) {
          const commands = [
            { type: 'Update', metadata: n % 2 === 0 ? next : first },
            { type: 'AddSecret', secret: secret(n + 1), now: 1 },
            { type: 'RevokeSecret', secret_id: `s${n - 1}` },
            { type: 'Disable', reason },
            { type: 'Enable' },
          ] as const
          const command = commands[choice % commands.length]
          if (command === undefined) continue
          const events = quietly(() => client.decide(command, state))
          underHalf(events)
          state = events.reduce(client.evolve, state)
        }
        underHalf(client.decide({ type: 'Disable', reason }, state))
      }),
      { numRuns },
    )
  })

  it('of a resource server', () => {
    fc.assert(
      fc.property(resourceMetadata, (metadata) => {
        const command = {
          type: 'Register',
          client_id: 'r'.repeat(100),
          metadata,
          secrets: [secret(0), secret(1)],
          now: 1,
        } as const
        const state = resource.decide(command, undefined).reduce(resource.evolve, undefined as never)
        underHalf(resource.decide({ type: 'Disable', reason }, state))
        underHalf(resource.decide({ type: 'RevokeSecret', secret_id: 's0' }, state))
      }),
      { numRuns },
    )
  })

  it('of a person, with as many rights as fit', () => {
    const sealed = `sealed.${'x'.repeat(2_000)}` as never
    const rights = { roles: ['r'.repeat(MAX_AUTHORIZATION_BYTES - 10)], entitlements: [] }
    fc.assert(
      fc.property(steps, (choices) => {
        const made = {
          sub: `u_${'0'.repeat(32)}`,
          email: sealed,
          password: sealed,
          data_key: 'k'.repeat(64),
          name: sealed,
          now: 1,
        }
        const register = { type: 'Register', reservationId: 'x', user: { ...made, ...rights } } as const
        let state = user.decide(register, undefined).reduce(user.evolve, undefined as never)
        for (const choice of choices) {
          const commands = [
            { type: 'Disable', reason },
            { type: 'Enable' },
            { type: 'RevokeSessions', reason },
            { type: 'AssignRoles', roles: [], entitlements: [] },
            { type: 'AssignRoles', ...rights },
            { type: 'VerifyEmail' },
          ] as const
          const command = commands[choice]
          if (command === undefined) continue
          const events = quietly(() => user.decide(command, state))
          underHalf(events)
          state = events.reduce(user.evolve, state)
        }
        for (const type of ['RevokeSessions', 'Disable', 'Erase'] as const)
          underHalf(quietly(() => user.decide({ type, reason }, state)))
      }),
      { numRuns },
    )
  })

  it('of the list of administrators, which is full at some time', () => {
    const sub = (n: number) => `u_${String(n).padStart(32, '0')}`
    let state = administrators.initialState
    for (let n = 0; n < MAX_ADMINISTRATORS; n += 1)
      state = administrators.decide({ type: 'Add', sub: sub(n) }, state).reduce(administrators.evolve, state)
    expect(() => administrators.decide({ type: 'Add', sub: 'u_more' }, state)).toThrow(/too many/)
    underHalf(administrators.decide({ type: 'Remove', sub: sub(0), reason, able: [sub(1)] }, state))
  })

  it('of a grant, whatever its scope, audience and revoked tokens had become', () => {
    fc.assert(
      fc.property(fc.nat({ max: 60_000 }), (length) => {
        const ids = { gid: 'g'.repeat(32), sid: 's'.repeat(32), client_id: 'c'.repeat(100), sub: 'u'.repeat(34) }
        const epochs = { user_epoch: 1, client_epoch: 1, issuer_epoch: 1 }
        const state = {
          ...ids,
          ...epochs,
          scope: ['x'.repeat(length)],
          aud: ['y'.repeat(60_000 - length)],
          grant_type: 'password',
          auth_time: 1,
          amr: ['pwd'],
          opened_at: 1,
          revoked: false,
          revoked_tokens: [],
          refresh: null,
        }
        underHalf(grant.decide({ type: 'Revoke', reason }, state))
        underHalf(grant.decide({ type: 'EndForReuse', generation: 1 }, state))
      }),
      { numRuns },
    )
  })

  it('of a session', () => {
    const start = {
      type: 'Start',
      sid: 's'.repeat(32),
      sub: 'u'.repeat(34),
      userEpoch: 1,
      amr: ['pwd'],
      now: 1,
      idleFor: 1e9,
      lastsFor: 1e9,
    } as const
    const state = session.decide(start, undefined).reduce(session.evolve, undefined as never)
    underHalf(session.decide({ type: 'End', reason }, state))
  })
})

describe('what an older version let grow to its limit', () => {
  it('is ended all the same', () => {
    const metadata = { ...NewClientMetadata.parse({}), scope: 'x'.repeat(OLDER_LIMIT - ENVELOPE) }
    const state = { client_id: 'old', client_id_issued_at: 1, epoch: 1, disabled: false, metadata, secrets: [] }
    for (const size of sizes(client.decide({ type: 'Disable', reason }, state)))
      expect(size).toBeLessThan(MAX_EVENT_BYTES)
  })
})
