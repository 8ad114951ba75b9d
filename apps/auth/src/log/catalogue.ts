import { emailChangeEvents, emailEvents } from '../account/email-events.ts'
import { userEvents } from '../account/events.ts'
import { loginEvents, placeEvents } from '../account/login-events.ts'
import { administrationEvents } from '../administration/events.ts'
import { administratorEvents } from '../administrator/events.ts'
import { bootstrapEvents } from '../bootstrap/events.ts'
import { clientEvents } from '../client/events.ts'
import { grantEvents, serviceEvents } from '../grant/events.ts'
import { installationEvents } from '../installation/events.ts'
import { tokenCapEvents } from '../installation/token-cap-events.ts'
import { mailEvents } from '../mail/events.ts'
import { resourceEvents } from '../resource/events.ts'
import { nameEvents } from '../resource/name-events.ts'
import { assertionEvents } from '../client/assertion-events.ts'
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
  ...nameEvents,
  ...assertionEvents,
  ...sessionEvents,
  ...grantEvents,
  ...serviceEvents,
  ...keyringEvents,
  ...administratorEvents,
  ...installationEvents,
  ...tokenCapEvents,
  ...administrationEvents,
  ...bootstrapEvents,
] as const

export type DomainEvent = EventOf<(typeof catalogue)[number]>
