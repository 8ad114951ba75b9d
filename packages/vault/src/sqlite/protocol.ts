/** A change for the writer's thread of the vault. Bytes are already wrapped. */
export type Change =
  | { readonly kind: 'put'; readonly name: string; readonly wrapped: Uint8Array }
  /** Replaces exactly these bytes; a value that was destroyed or rewrapped meanwhile is not changed. */
  | { readonly kind: 'rewrap'; readonly name: string; readonly from: Uint8Array; readonly wrapped: Uint8Array }
  | { readonly kind: 'destroy'; readonly name: string }

export type VaultRequest =
  { readonly kind: 'change'; readonly ticket: number; readonly change: Change } | { readonly kind: 'close' }

/** The outcome of one change; `kept` is the stored value of the name after it. */
export interface Outcome {
  readonly ticket: number
  readonly kept?: Uint8Array | undefined
}

export type VaultAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'done'; readonly outcomes: readonly Outcome[] }
  | { readonly kind: 'failed'; readonly tickets: readonly number[]; readonly reason: string }
