import { type EventStore, inMemoryEventStore } from '@ledgate/eventsourcing'
import { InvalidToken } from '@ledgate/oauth'
import { describe, expect, it } from 'vitest'
import { ADMINISTRATOR } from '../administrators/index.ts'
import { ANN, type Household, openHousehold } from '../../testing/household.ts'
import { command } from '../../testing/parts.ts'

const BEN = { ...ANN, email: 'ben@example.com', roles: [ADMINISTRATOR] }

type Append = EventStore['append']

/** Two processes of an installation; one of them makes an account by a right that a test can end. */
async function twoProcesses() {
  const store = inMemoryEventStore()
  const elsewhere = await openHousehold({ store })
  const hook = { append: store.append as Append }
  const here = await openHousehold({
    store: { ...store, append: (...request) => hook.append(...request) },
    shared: elsewhere,
  })
  let hasEnded = false
  const establish = async () => {
    if (hasEnded) throw new InvalidToken('it ended')
  }
  return {
    store,
    elsewhere,
    hook,
    end: () => (hasEnded = true),
    create: () => here.accounts.create(BEN, { ...command(), authority: { establish } }),
  }
}

/** Makes an account, and dies before its person comes onto the list of administrators. */
async function makeHalf(elsewhere: Household, store: EventStore): Promise<void> {
  const append: Append = async (stream, ...request) => {
    if (stream === 'administrators') throw new Error('killed')
    return store.append(stream, ...request)
  }
  const dying = await openHousehold({ store: { ...store, append }, shared: elsewhere })
  await expect(dying.accounts.create(BEN, command())).rejects.toThrow('killed')
}

const subOf = async ({ accounts }: Household) => String(await accounts.findSub(BEN.email))

describe('an account for which an administrator vouches, whose right ends meanwhile', () => {
  it('is made whole once its address is given to it, also when another process completed it first', async () => {
    const { store, elsewhere, hook, end, create } = await twoProcesses()
    hook.append = async (stream, ...request) => {
      const written = await store.append(stream, ...request)
      if (stream.startsWith('email-')) {
        await elsewhere.finish()
        end()
      }
      return written
    }
    expect(await create()).toMatchObject({ isNew: true })
    expect(await elsewhere.administrators.includes(await subOf(elsewhere))).toBe(true)
  })

  it('is not completed by it when another command created it first', async () => {
    const { store, elsewhere, hook, end, create } = await twoProcesses()
    hook.append = async (stream, ...request) => {
      hook.append = store.append
      await makeHalf(elsewhere, store)
      end()
      return store.append(stream, ...request)
    }
    await expect(create()).rejects.toThrow(InvalidToken)
    expect(await elsewhere.administrators.includes(await subOf(elsewhere))).toBe(false)
  })
})
