import { type Checkpoints, type EventStore } from '@ledgate/eventsourcing'
import { ClientMetadata } from '@ledgate/oauth'
import { openAccounts } from '../admin/users/index.ts'
import { openAdministrators } from '../admin/administrators/index.ts'
import {
  openChangeEmail,
  openErasure,
  openNotices,
  openOwnPassword,
  openReset,
  openCompletion,
  openConfirm,
  openRegister,
  openSweeper,
  unlimitedRegistrations,
} from '../account/index.ts'
import { openAddresses, emailStream } from '../email-address/index.ts'
import { createLoginRecord, noLoginLimits, openPlaces, openSignIn } from '../sign-in/index.ts'
import { type PasswordHasher, createPasswordPolicy } from '../password/index.ts'
import { openMailSending, mailStream, unlimitedMail } from '../mail/index.ts'
import { type ClientState, readClient } from '../client/index.ts'
import { openIssuerEpoch } from '../issuer-epoch/index.ts'
import { verdict } from '../introspection/verdict.ts'
import { type Mailer } from '../mail/mailer.ts'
import type { Mail } from '../mail/render.ts'
import { type Followed, type RecordFrom } from '../process-manager/follow-events.ts'
import { followEvents } from '../process-manager/index.ts'
import { openAudiences } from '../resource/index.ts'
import { openRevoke } from '../token-revocation/revoke.ts'
import { openDerivationKeys, openSigningKeys } from '../signing-key/index.ts'
import { locators, type TokenAnswer, type TokenDependencies } from '../token/index.ts'
import { grantTypes } from '../token/grant-types/index.ts'
import { command, openParts, type Shared } from './parts.ts'
import { userStream } from '../user/index.ts'
import { newId } from '../log/index.ts'

export { newId } from '../log/index.ts'

export const ISSUER = 'http://127.0.0.1:4040'
export const ANN = { email: 'ann@example.com', password: 'a quiet harbour at dawn' }
export const SOURCE = { hash: 'a-source', text: '192.0.0.0/16 test' }

/** Passwords as they are: what is tested is not argon2id, which takes its time. */
export const plainHasher: PasswordHasher = {
  hash: async (text) => `plain:${text}`,
  verify: async (phc, text) => phc === `plain:${text}`,
  close: async () => {},
}

/** Checkpoints that are forgotten with the test. */
export function inMemoryCheckpoints(): Checkpoints {
  const saved = new Map<string, string>()
  return {
    load: async (name) => saved.get(name) ?? '',
    save: async (name, place) => void saved.set(name, place),
  }
}

export interface HouseholdOptions {
  readonly store?: EventStore
  readonly hasher?: Pick<PasswordHasher, 'hash' | 'verify'>
  /** What another process of the same installation shares with this one. */
  readonly shared?: Shared
}

/**
 * Everything about users and their tokens in this process, over one store and by a clock that the test moves: two
 * clients (`web` with a secret, `page` without), no one registered, nothing done in the background.
 */
export async function openHousehold({ store: given, hasher = plainHasher, shared }: HouseholdOptions = {}) {
  const own = openParts(given, shared)
  const { store, clock, vault, sealer, keyedHash, names, clients } = own
  const log = own.log
  const addresses = openAddresses(keyedHash)
  const keyring = { log, vault, clock, context: () => command({ type: 'system', id: 'keyring' }) }
  const signingKeys = await openSigningKeys({ ...keyring, maxAge: 300, keepFor: 3660 })
  const derivationKeys = await openDerivationKeys({ ...keyring, keepFor: 400 * 86_400 })
  const linkKeys = derivationKeys
  const record = createLoginRecord({ log, clock, newId, onError: () => {} })
  const places = openPlaces({ log, sealer, newId, onError: () => {} })
  const signIn = openSignIn({ log, sealer, hasher, addresses, guard: noLoginLimits, places, record })
  const completion = openCompletion({ log, sealer, linkKeys, addresses, clock, newId })
  const administrators = openAdministrators(log)
  const erasure = openErasure({ log, sealer, addresses, newId })
  const people = { log, sealer, hasher, addresses, linkKeys, completion, signIn, administrators, erasure, clock, newId }
  const policy = createPasswordPolicy()
  const registration = openRegister({
    ...people,
    policy,
    mayMail: unlimitedMail,
    mayRegister: unlimitedRegistrations,
  })
  const checkpoints = inMemoryCheckpoints()
  const installation = openIssuerEpoch({ log, clock })
  const facts = { issuer: ISSUER, issuerEpoch: installation.issuerEpoch }
  const dependencies: TokenDependencies = {
    log,
    clock,
    signingKeys,
    derivationKeys,
    sealer,
    audiences: openAudiences(log, names, ISSUER),
    locators: locators(Buffer.alloc(32, 9)),
    signIn,
    facts,
    tokenCap: 3600,
  }

  async function addClient(client_id: string, metadata: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const grant_types = ['password', 'refresh_token']
    await clients.register({ client_id, metadata: ClientMetadata.parse({ grant_types, ...metadata }) }, command())
  }
  if (shared === undefined) {
    await addClient('web')
    await addClient('page', { token_endpoint_auth_method: 'none' })
  }

  async function client(clientId: string): Promise<ClientState> {
    const found = await readClient(log, clientId)
    if (found === undefined) throw new Error(`there is no client ${clientId}`)
    return found.state
  }

  const requestOf = async (clientId: string, body: Readonly<Record<string, unknown>>, source = SOURCE) => ({
    now: clock.now(),
    issuerEpoch: await installation.issuerEpoch(),
    client: await client(clientId),
    body,
    context: { ...command({ type: 'client', id: clientId }), source },
    source,
  })

  /** Does with every event of some categories what a process of the server does, up to where the log ends now. */
  async function follow<const Streams extends readonly Followed[]>(
    name: string,
    streams: Streams,
    handle: (event: RecordFrom<Streams>) => Promise<void>,
  ) {
    const done = new AbortController()
    const subscribe: EventStore['subscribe'] = async function* (options) {
      for await (const message of store.subscribe(options)) {
        yield message
        if (message.kind === 'caughtUp') return
      }
    }
    const failed: unknown[] = []
    const onError = (error: unknown) => {
      failed.push(error)
      done.abort()
    }
    const followed = {
      store: { ...store, subscribe },
      checkpoints,
      name,
      streams,
      handle,
      onError,
      signal: done.signal,
    }
    await followEvents({ ...followed, concurrency: 1 })
    if (failed.length > 0) throw failed[0]
  }

  return {
    ...own,
    log,
    addresses,
    signingKeys,
    derivationKeys,
    signIn,
    record,
    completion,
    registration,
    checkpoints,
    dependencies,
    addClient,
    client,
    administrators,
    installation,
    accounts: openAccounts(people),
    confirm: openConfirm({ ...people, policy }),
    changeEmail: openChangeEmail({ ...people, mayMail: unlimitedMail }),
    ownPassword: openOwnPassword({ ...people, policy }),
    reset: openReset({ ...people, policy, places, mayMail: unlimitedMail }),
    sweeper: openSweeper({ log, checkpoints, clock, newId }),

    /** Finishes what registrations and confirmations began, as the server does behind every answer. */
    finish: () =>
      follow('registration', [emailStream, userStream], async (event) => {
        await completion.complete(event)
        await openNotices(people).complete(event)
        await erasure.complete(event)
      }),

    /** Sends what was asked for, and answers the emails. */
    async mails(): Promise<readonly Mail[]> {
      const sent: Mail[] = []
      const mailer: Mailer = { send: async (mail) => void sent.push(mail), close: async () => {} }
      const onError = (error: unknown) => {
        throw error
      }
      const sending = openMailSending({
        log,
        sealer,
        linkKeys,
        mailer,
        checkpoints,
        clock,
        issuer: ISSUER,
        newId,
        onError,
      })
      await follow('mail', [mailStream], async (event) => {
        if (event.type === 'MailRequested') await sending.deliver(event)
      })
      return sent
    },

    /** A confirmed person. */
    create: (person = ANN) => openAccounts(people).create(person, command()),

    /** The password grant, its client proved already. */
    signedIn: async (clientId = 'web', person = ANN): Promise<TokenAnswer['tokens']> =>
      (
        await grantTypes.password.run(
          dependencies,
          await requestOf(clientId, { username: person.email, password: person.password }),
        )
      ).tokens,

    /** The refresh token grant, its client proved already. */
    refresh: async (
      token: unknown,
      attempt?: string,
      clientId = 'web',
      { source = SOURCE, ...more }: { readonly source?: typeof SOURCE; readonly [parameter: string]: unknown } = {},
    ): Promise<TokenAnswer['tokens']> =>
      (
        await grantTypes.refresh_token.run(
          dependencies,
          await requestOf(
            clientId,
            { refresh_token: token, ...(attempt && { refresh_attempt: attempt }), ...more },
            source,
          ),
        )
      ).tokens,

    revoke: async (token: string, clientId = 'web', context = command()) =>
      openRevoke(
        { log, signingKeys, derivationKeys, locators: locators(Buffer.alloc(32, 9)), issuer: ISSUER },
        { token, client: await client(clientId), context, now: clock.now() },
      ),

    /** Whether introspection says that the token lives. */
    lives: async (token: string): Promise<boolean> =>
      (await verdict({ log, signingKeys, derivationKeys, ...facts }, token, clock.now())) !== undefined,
  }
}

export type Household = Awaited<ReturnType<typeof openHousehold>>
