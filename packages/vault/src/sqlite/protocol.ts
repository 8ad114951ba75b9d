/** What the vault's writer thread is asked to do. Bytes are wrapped already. */
export type Change =
  | { readonly kind: 'put'; readonly name: string; readonly wrapped: Uint8Array }
  /** In place of exactly these bytes; what was destroyed or wrapped anew meanwhile stays as it is. */
  | { readonly kind: 'rewrap'; readonly name: string; readonly from: Uint8Array; readonly wrapped: Uint8Array }
  | { readonly kind: 'destroy'; readonly name: string }

export type VaultRequest =
  { readonly kind: 'change'; readonly ticket: number; readonly change: Change } | { readonly kind: 'close' }

/** The outcome of one change; `kept` is what the vault holds under the name since then. */
export interface Outcome {
  readonly ticket: number
  readonly kept?: Uint8Array | undefined
}

export type VaultAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'done'; readonly outcomes: readonly Outcome[] }
  | { readonly kind: 'failed'; readonly tickets: readonly number[]; readonly reason: string }
