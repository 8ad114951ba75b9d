import { inMemoryEventStore, type EventStore } from '@ledgate/eventsourcing'
import { OAuthError } from '@ledgate/oauth'
import { inMemoryVault } from '@ledgate/vault/testing'
import type { KeyVault } from '@ledgate/vault'
import { describe, expect, it } from 'vitest'
import type { Bearer } from '../../src/introspection/index.ts'
import { type Asking } from '../../src/self-service/self-service.ts'
import { openSelfService } from '../../src/self-service/index.ts'
import { openAudiences } from '../../src/resource/index.ts'
import { ANN, openHousehold, ISSUER, SOURCE } from '../../src/testing/household.ts'
import { newId } from '../../src/log/index.ts'
import { command, createHandClock } from '../../src/testing/parts.ts'
import { readUser } from '../../src/user/index.ts'

type Home = Awaited<ReturnType<typeof openHousehold>>

interface Person {
  readonly sub: string
  readonly email: string
  readonly password: string
}

/** A store and a vault that do something before one of their steps. */
function stepping() {
  const [store, vault] = [inMemoryEventStore(), inMemoryVault()]
  let left = -1
  let act = async () => {}
  const step = async () => {
    if (left < 0 || left-- > 0) return
    await act()
  }
  const stepped: EventStore = {
    ...store,
    read: async (...request) => (await step(), store.read(...request)),
    append: async (...request) => (await step(), store.append(...request)),
  }
  const steppedVault: KeyVault = {
    ...vault,
    get: async (name) => (await step(), vault.get(name)),
    putIfAbsent: async (name, bytes) => (await step(), vault.putIfAbsent(name, bytes)),
  }
  return {
    store: stepped,
    vault: steppedVault,
    /** Before the n-th step from now on. */
    at(n: number, does: () => Promise<void>) {
      ;[left, act] = [n, does]
    },
    /** Whether that step was not reached. */
    isLeft: () => left >= 0,
    stop: () => (left = -1),
  }
}

/** What people do with their own account, the token proved already. */
function own(home: Home, { sub }: Person) {
  const facts = { issuer: ISSUER, issuerEpoch: home.installation.issuerEpoch }
  const views = { sessions: { ofUser: () => [] }, grants: { ofUser: () => [] }, waitFor: async () => true } as never
  const dependencies = {
    ...home.dependencies,
    ...home,
    ...facts,
    audiences: openAudiences(home.log, home.names, ISSUER),
  }
  const account = openSelfService({ ...dependencies, password: home.ownPassword, email: home.changeEmail, views })
  const asking: Asking = {
    sub,
    gid: newId(),
    sid: newId(),
    bearer: { members: { user_epoch: 0 } } as unknown as Bearer,
    context: command(),
    now: home.clock.now(),
  }
  return { account, asking, proof: { sub, password: ANN.password, source: SOURCE, context: command() } }
}

type Act = () => Promise<unknown>

/** What a person, their client or an operator does, once everything for it is there; and how it is refused. */
const flows: Readonly<Record<string, (home: Home, person: Person) => Promise<Act>>> = {
  'a sign-in': async (home, person) => () => home.signedIn('web', person),
  'a refresh': async (home, person) => {
    const { refresh_token } = await home.signedIn('web', person)
    return () => home.refresh(refresh_token)
  },
  'a spent refresh token': async (home, person) => {
    const { refresh_token } = await home.signedIn('web', person)
    await home.refresh((await home.refresh(refresh_token)).refresh_token)
    return () => home.refresh(refresh_token)
  },
  'a revocation': async (home, person) => {
    const { access_token } = await home.signedIn('web', person)
    return () => home.revoke(access_token)
  },
  'the revocation of a grant': async (home, person) => {
    const { refresh_token } = await home.signedIn('web', person)
    return () => home.revoke(String(refresh_token))
  },
  'a link for a new password': async (home, { email }) => {
    await home.reset.ask(email, command())
    const token = String((await home.mails())[0]?.token)
    const request = { token, password: 'seven grey herons', source: SOURCE, context: command() }
    return () => home.reset.redeem(request)
  },
  'asking for a new password':
    async (home, { email }) =>
    () =>
      home.reset.ask(email, command()),
  'a link for another address': async (home, { sub }) => {
    await home.changeEmail.ask((await readUser(home.log, sub))!.state, `new-${sub}@example.com`, command())
    const token = String((await home.mails())[0]?.token)
    return () => home.changeEmail.redeem(token, command())
  },
  'a new password': async (home, person) => {
    const { account, asking, proof } = own(home, person)
    return () => account.changePassword(asking, proof, 'seven grey herons')
  },
  'asking for another address': async (home, person) => {
    const { account, asking, proof } = own(home, person)
    return () => account.changeEmail(asking, proof, `new-${person.sub}@example.com`)
  },
  'another name': async (home, person) => {
    const { account, asking } = own(home, person)
    return () => account.rename(asking, 'Ada')
  },
  'a look at the own account': async (home, person) => {
    const { account } = own(home, person)
    return () => account.profile(person.sub)
  },
  'the list of sessions': async (home, person) => {
    const { account, asking } = own(home, person)
    return () => account.sessions(asking)
  },
  'the list of grants': async (home, person) => {
    const { account, asking } = own(home, person)
    return () => account.grants(asking)
  },
  'the end of a session': async (home, person) => {
    const [{ account, asking }, { access_token }] = [own(home, person), await home.signedIn('web', person)]
    return () => account.endSession(asking, claimOf(access_token, 'sid'))
  },
  'the end of a grant': async (home, person) => {
    const [{ account, asking }, { access_token }] = [own(home, person), await home.signedIn('web', person)]
    return () => account.endGrant(asking, claimOf(access_token, 'gid'))
  },
  'the end of all other sessions': async (home, person) => {
    const { account, asking } = own(home, person)
    return () => account.endOtherSessions(asking)
  },
  'an operator’s disabling':
    async (home, { sub }) =>
    () =>
      home.accounts.disable(sub, 'test', command()),
  'an operator’s roles':
    async (home, { sub }) =>
    () =>
      home.accounts.assignRoles(sub, { roles: ['reader'], entitlements: [] }, command()),
  'an operator’s end of sessions':
    async (home, { sub }) =>
    () =>
      home.accounts.revokeSessions(sub, 'test', command()),
  'an operator’s reset':
    async (home, { sub }) =>
    () =>
      home.accounts.resetPassword(sub, command()),
  'an operator’s erasure':
    async (home, { sub }) =>
    () =>
      home.accounts.erase(sub, 'test', command()),
  'a confirmation': async (home, { email }) => {
    const token = String((await home.mails()).findLast(({ to }) => to === email)?.token)
    const proof = { kind: 'new', password: 'seven grey herons' } as const
    return () => home.confirm.confirm({ token, proof, source: SOURCE, context: command() })
  },
}

const claimOf = (token: string, name: string) =>
  String(JSON.parse(Buffer.from(String(token.split('.')[1]), 'base64url').toString())[name])

/** Somebody new: confirmed, but for the flow that confirms. */
async function newPerson(home: Home, name: string): Promise<Person> {
  const person = { ...ANN, email: `ann-${newId()}@example.com` }
  if (name !== 'a confirmation') {
    const { sub } = await home.accounts.create(person, command())
    await home.finish()
    return { ...person, sub }
  }
  await home.registration.register(person, command())
  await home.finish()
  let sub = ''
  for await (const { stream } of home.store.readAll({ filter: { categories: ['user'] } })) sub = stream.slice(5)
  return { ...person, sub }
}

describe('what is under way while its person is erased', () => {
  it.each(Object.keys(flows))('%s is done or refused at every step, and nobody comes back', async (name) => {
    const steps = stepping()
    const home = await openHousehold({ store: steps.store, shared: { clock: createHandClock(), vault: steps.vault } })
    await home.addClient('web')
    for (let at = 0; ; at += 1) {
      const person = await newPerson(home, name)
      const { sub, email } = person
      const act = await flows[name]?.(home, person)
      steps.at(at, () => home.accounts.erase(sub, 'test', command()).then(() => undefined))
      const error = await act?.().then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      const isOver = steps.isLeft()
      steps.stop()
      if (error !== undefined) {
        expect(error, `step ${at}`).toBeInstanceOf(OAuthError)
        expect((error as OAuthError).status).toBeLessThan(500)
      }
      if (isOver && name !== 'an operator’s erasure') break
      await home.finish()
      expect((await readUser(home.log, sub))?.state.erased).toBe(true)
      expect(await home.accounts.findSub(email)).toBeUndefined()
      await expect(home.signedIn('web', person)).rejects.toThrow(OAuthError)
      if (isOver) break
      expect(at).toBeLessThan(100)
    }
  })
})
