import { inMemoryEventStore, type EventStore } from '@ledgate/eventsourcing'
import { OAuthError } from '@ledgate/oauth'
import { inMemoryVault } from '@ledgate/vault/testing'
import type { KeyVault } from '@ledgate/vault'
import { describe, expect, it } from 'vitest'
import { ANN, household, SOURCE } from '../testing/household.ts'
import { command, handClock } from '../testing/parts.ts'
import { readUser } from './index.ts'

type Home = Awaited<ReturnType<typeof household>>

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

/** What a person, their client or an operator does, once everything for it is there; and how it is refused. */
const flows: Readonly<Record<string, (home: Home, sub: string) => Promise<() => Promise<unknown>>>> = {
  'a sign-in': async (home) => () => home.signedIn(),
  'a refresh': async (home) => {
    const { refresh_token } = await home.signedIn()
    return () => home.refresh(refresh_token)
  },
  'a spent refresh token': async (home) => {
    const { refresh_token } = await home.signedIn()
    await home.refresh((await home.refresh(refresh_token)).refresh_token)
    return () => home.refresh(refresh_token)
  },
  'a revocation': async (home) => {
    const { access_token } = await home.signedIn()
    return () => home.revoke(access_token)
  },
  'the revocation of a grant': async (home) => {
    const { refresh_token } = await home.signedIn()
    return () => home.revoke(String(refresh_token))
  },
  'a link for a new password': async (home) => {
    await home.reset.ask(ANN.email, command())
    const token = String((await home.mails())[0]?.token)
    const request = { token, password: 'seven grey herons', source: SOURCE, context: command() }
    return () => home.reset.redeem(request)
  },
  'asking for a new password': async (home) => () => home.reset.ask(ANN.email, command()),
  'a link for another address': async (home, sub) => {
    await home.changeEmail.ask((await readUser(home.log, sub))!.state, 'new@example.com', command())
    const token = String((await home.mails())[0]?.token)
    return () => home.changeEmail.redeem(token, command())
  },
  'a new password': async (home, sub) => () =>
    home.ownPassword.change({ sub, password: ANN.password, source: SOURCE, context: command() }, 'seven grey herons'),
  'an operator’s disabling': async (home, sub) => () => home.accounts.disable(sub, 'test', command()),
  'an operator’s roles': async (home, sub) => () =>
    home.accounts.assignRoles(sub, { roles: ['reader'], entitlements: [] }, command()),
  'an operator’s end of sessions': async (home, sub) => () => home.accounts.revokeSessions(sub, 'test', command()),
  'an operator’s reset': async (home, sub) => () => home.accounts.resetPassword(sub, command()),
  'an operator’s erasure': async (home, sub) => () => home.accounts.erase(sub, 'test', command()),
}

describe('what is under way while its person is erased', () => {
  it.each(Object.keys(flows))('%s is done or refused at every step, and nobody comes back', async (name) => {
    for (let at = 0; ; at += 1) {
      const steps = stepping()
      const home = await household({ store: steps.store, shared: { clock: handClock(), vault: steps.vault } })
      await home.addClient('web')
      const { sub } = await home.create()
      await home.finish()
      const act = await flows[name]?.(home, sub)
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
      expect(await home.accounts.findSub(ANN.email)).toBeUndefined()
      await expect(home.signedIn()).rejects.toThrow(OAuthError)
      if (isOver) break
      expect(at).toBeLessThan(100)
    }
  })
})
