import { z } from 'zod'
import { defineEvent, defineSingleStream, type EventOf, Sub } from '../../log/index.ts'

/** Who may administer; every event of the stream `administrators` carries it. */
export const AdministratorsState = z.strictObject({ subs: z.array(Sub) })
export type AdministratorsState = z.infer<typeof AdministratorsState>

const administrators = AdministratorsState

export const AdministratorAdded = defineEvent('AdministratorAdded', { sub: Sub, administrators })
export const AdministratorRemoved = defineEvent('AdministratorRemoved', {
  sub: Sub,
  reason: z.string(),
  administrators,
})

export const administratorEvents = [AdministratorAdded, AdministratorRemoved] as const
export type AdministratorEvent = EventOf<(typeof administratorEvents)[number]>

/** Every change of the list goes through it. */
export const ADMINISTRATORS = defineSingleStream('administrators', administratorEvents)
