import type { Decider } from '@ledgate/eventsourcing'
import type { Sealed } from '../log/index.ts'
import { AddressTaken, InvalidLink } from './errors.ts'
import type { EmailEvent } from './events.ts'

/** Why an address whose person was erased is free again: a restore looks for it. */
export const ERASED_REASON = 'its person was erased'

type DataOf<Type extends EmailEvent['type']> = Extract<EmailEvent, { type: Type }>['data']

/** Who has an address: no one, a pending registration, or a confirmed user. */
export type EmailState =
  | { readonly status: 'free' }
  | ({ readonly status: 'reserved' } & DataOf<'EmailReserved'>)
  | ({ readonly status: 'confirmed' } & DataOf<'EmailConfirmed'>)

export type EmailCommand =
  | { readonly type: 'Reserve'; readonly reservation: DataOf<'EmailReserved'>; readonly now: number }
  /** An operator vouches for the address, or its mailbox was proved: a pending registration gives way. */
  | {
      readonly type: 'Assign'
      readonly reservation: DataOf<'EmailReserved'>
      readonly owner: Sealed
      /** The link by which a user proved another mailbox, and the address that it takes the place of. */
      readonly proof?: { readonly mail_id: string; readonly replaces: string }
    }
  | {
      readonly type: 'Confirm'
      readonly reservationId: string
      readonly owner: Sealed
      readonly mailId: string
      /** The hash of a password that was chosen with the proof. */
      readonly password?: Sealed | undefined
    }
  /** Its owner has another one now. */
  | { readonly type: 'GiveUp'; readonly reservationId: string; readonly reason: string }
  | { readonly type: 'Release'; readonly reservationId: string; readonly reason: string }

function confirm(command: Extract<EmailCommand, { type: 'Confirm' }>, state: EmailState): readonly EmailEvent[] {
  const { reservationId, owner, mailId, password } = command
  if (state.status === 'free' || state.reservation_id !== reservationId)
    throw new InvalidLink('a newer registration replaced this one')
  if (state.status === 'confirmed') return []
  const { reservation_id, data_key } = state
  const data = { reservation_id, data_key, owner, mail_id: mailId, ...(password && { password }) }
  return [{ type: 'EmailConfirmed', data }]
}

/** Whether the address is available: it was never asked for, given back, or not proved in time. */
export const isFree = (state: EmailState, now: number): boolean =>
  state.status === 'free' || (state.status === 'reserved' && now >= state.expires_at)

/** One owner of an address: asked for, proved, given back. */
export const email: Decider<EmailState, EmailCommand, EmailEvent> = {
  initialState: { status: 'free' },

  /**
   * @throws {AddressTaken} if the address is taken or reserved.
   * @throws {InvalidLink} when the reservation to be confirmed is not the current one.
   */
  decide(command, state) {
    switch (command.type) {
      case 'Reserve':
        if (!isFree(state, command.now)) throw new AddressTaken()
        return [{ type: 'EmailReserved', data: command.reservation }]
      case 'Assign': {
        if (state.status === 'confirmed') throw new AddressTaken()
        const { reservation_id, data_key } = command.reservation
        return [
          { type: 'EmailReserved', data: command.reservation },
          { type: 'EmailConfirmed', data: { reservation_id, data_key, owner: command.owner, ...command.proof } },
        ]
      }
      case 'Confirm':
        return confirm(command, state)
      case 'GiveUp':
        if (state.status !== 'confirmed' || state.reservation_id !== command.reservationId) return []
        return [{ type: 'EmailReleased', data: { reservation_id: command.reservationId, reason: command.reason } }]
      case 'Release':
        if (state.status !== 'reserved' || state.reservation_id !== command.reservationId) return []
        return [{ type: 'EmailReleased', data: { reservation_id: command.reservationId, reason: command.reason } }]
    }
  },

  evolve(_state, event) {
    switch (event.type) {
      case 'EmailReserved':
        return { status: 'reserved', ...event.data }
      case 'EmailConfirmed':
        return { status: 'confirmed', ...event.data }
      case 'EmailReleased':
        return { status: 'free' }
    }
  },
}
