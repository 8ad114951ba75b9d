import { z } from 'zod'
import { defineEvent, defineSingleStream, type EventOf } from '../log/index.ts'

/** Everything a decision about the installation needs; every event of the stream `installation` carries it. */
export const InstallationState = z.strictObject({
  /** Every token says under which it was issued; those of a lower one are void. */
  issuer_epoch: z.int().nonnegative(),
})
export type InstallationState = z.infer<typeof InstallationState>

/** Ends every grant and token there is: after a restore, or because somebody says so. */
export const IssuerEpochRaised = defineEvent('IssuerEpochRaised', {
  reason: z.string(),
  installation: InstallationState,
})

export const installationEvents = [IssuerEpochRaised] as const
export type InstallationEvent = EventOf<(typeof installationEvents)[number]>

export const INSTALLATION = defineSingleStream('installation', installationEvents)
