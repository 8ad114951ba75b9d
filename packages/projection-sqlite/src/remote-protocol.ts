import type { Position, ProjectionDigest, ProjectionHealth, WaitOptions } from '@ledgate/eventsourcing'

/** The calls to a projector in another thread. */
export interface Calls {
  waitFor(position: Position, options: WaitOptions): boolean
  digest(name: string): ProjectionDigest
  rebuild(name: string): void
  load(name: string): string
  save(name: string, position: string): void
  /** A reader found the file damaged: discard it. */
  discard(why: string): void
  close(): void
}

export type Method = keyof Calls

export type Call = {
  [Name in Method]: { readonly id: number; readonly method: Name; readonly values: Parameters<Calls[Name]> }
}[Method]

/** The messages that the thread of a projector sends. */
export type Message =
  | { readonly kind: 'discarded'; readonly why: string }
  | { readonly kind: 'unheard'; readonly why: string }
  | { readonly kind: 'heard' }
  | { readonly kind: 'ready'; readonly health: readonly ProjectionHealth[] }
  | { readonly kind: 'health'; readonly health: readonly ProjectionHealth[] }
  | { readonly kind: 'answer'; readonly id: number; readonly value: ReturnType<Calls[Method]> }
  | { readonly kind: 'error'; readonly id: number; readonly message: string }
