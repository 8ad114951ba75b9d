import { emailChangeEvents, emailEvents, loginEvents, placeEvents, userEvents } from '../account/events.ts'
import { administrationEvents } from '../administration/events.ts'
import { administratorEvents } from '../administrator/events.ts'
import { bootstrapEvents } from '../bootstrap/events.ts'
import { clientEvents } from '../client/events.ts'
import { grantEvents, serviceEvents } from '../grant/events.ts'
import { installationEvents } from '../installation/events.ts'
import { mailEvents } from '../mail/events.ts'
import { reservationEvents, resourceEvents } from '../resource/events.ts'
import { sessionEvents } from '../session/events.ts'
import { keyringEvents } from '../signing-key/events.ts'
import type { EventOf } from './event-definition.ts'

/** Every type of event Ledgate writes. An event that is not here cannot be appended. */
export const catalogue = [
  ...userEvents,
  ...emailEvents,
  ...emailChangeEvents,
  ...loginEvents,
  ...placeEvents,
  ...mailEvents,
  ...clientEvents,
  ...resourceEvents,
  ...reservationEvents,
  ...sessionEvents,
  ...grantEvents,
  ...serviceEvents,
  ...keyringEvents,
  ...administratorEvents,
  ...installationEvents,
  ...administrationEvents,
  ...bootstrapEvents,
] as const

export type DomainEvent = EventOf<(typeof catalogue)[number]>
