import { z } from 'zod'
import { defineEvent, type EventOf } from '../log/event-definition.ts'
import { defineSingleStream } from '../log/stream.ts'
import { Sub } from '../log/value.ts'

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
