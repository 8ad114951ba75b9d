import type { Decider } from '@ledgate/eventsourcing'
import { InvalidLink } from './errors.ts'
import type { EmailChangeEvent } from './events.ts'

/** The newest link by which a user may get another address; `undefined` when none was ever asked for. */
export type EmailChangeState = { readonly mailId: string; readonly isRedeemed: boolean } | undefined

export type EmailChangeCommand =
  { readonly type: 'Ask'; readonly mailId: string } | { readonly type: 'Redeem'; readonly mailId: string }

/** Of all links that were asked for only the newest is good, and it is redeemed once. */
export const emailChange: Decider<EmailChangeState, EmailChangeCommand, EmailChangeEvent> = {
  initialState: undefined,

  /** @throws {InvalidLink} when it is not the newest link that was asked for. */
  decide({ type, mailId }, state) {
    if (type === 'Ask') return [{ type: 'EmailChangeAsked', data: { mail_id: mailId } }]
    if (state?.mailId !== mailId) throw new InvalidLink('a newer link was requested')
    return state.isRedeemed ? [] : [{ type: 'EmailChangeRedeemed', data: { mail_id: mailId } }]
  },

  evolve: (_state, { type, data }) => ({ mailId: data.mail_id, isRedeemed: type === 'EmailChangeRedeemed' }),
}
