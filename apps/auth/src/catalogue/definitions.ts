import { emailChangeEvents, emailEvents } from '../email-address/events.ts'
import { userEvents } from '../user/events.ts'
import { loginEvents, placeEvents } from '../sign-in/events.ts'
import { administrationEvents } from '../admin/api/events.ts'
import { administratorEvents } from '../admin/administrators/events.ts'
import { bootstrapEvents } from '../admin/bootstrap/events.ts'
import { clientEvents } from '../client/events.ts'
import { grantEvents, serviceEvents } from '../grant/events.ts'
import { installationEvents } from '../issuer-epoch/events.ts'
import { tokenCapEvents } from '../token-cap/events.ts'
import { mailEvents } from '../mail/events.ts'
import { resourceEvents } from '../resource/events.ts'
import { nameEvents } from '../name/events.ts'
import { assertionEvents } from '../client-authentication/events.ts'
import { sessionEvents } from '../session/events.ts'
import { keyringEvents } from '../signing-key/events.ts'
import { eventCodec, type EventMetadata, type EventOf } from '../log/index.ts'

/** Every type of event that Ledgate writes. An event that is not here cannot be appended. */
export const eventDefinitions = [
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

export type DomainEvent = EventOf<(typeof eventDefinitions)[number]>

/** An event of the log, in its newest shape. */
export type DomainRecord = DomainEvent & EventMetadata

/** How events of every type are read and written. */
export const codec = eventCodec(eventDefinitions)

export const decode = codec.decode
export const encode = codec.encode
export const definitionOf = codec.definitionOf
