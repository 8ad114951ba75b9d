import type { Position, ProjectionDigest, ProjectionHealth, WaitOptions } from '@ledgate/eventsourcing'

/** What can be asked of a projector in another thread, and what it answers. */
export interface Calls {
  waitFor(position: Position, options: WaitOptions): boolean
  digest(name: string): ProjectionDigest
  rebuild(name: string): void
  load(name: string): string
  save(name: string, place: string): void
  /** The file turned out to be damaged for who reads it: it is thrown away. */
  discard(why: string): void
  close(): void
}

export type Method = keyof Calls

export type Call = {
  [Name in Method]: { readonly id: number; readonly method: Name; readonly values: Parameters<Calls[Name]> }
}[Method]

/** What the thread of a projector says. */
export type Message =
  | { readonly kind: 'discarded'; readonly why: string }
  | { readonly kind: 'unheard'; readonly why: string }
  | { readonly kind: 'heard' }
  | { readonly kind: 'ready'; readonly health: readonly ProjectionHealth[] }
  | { readonly kind: 'health'; readonly health: readonly ProjectionHealth[] }
  | { readonly kind: 'answer'; readonly id: number; readonly value: ReturnType<Calls[Method]> }
  | { readonly kind: 'error'; readonly id: number; readonly message: string }
