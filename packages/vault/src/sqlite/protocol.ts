/** What the vault's writer thread is asked to do. Bytes are wrapped already. */
export type VaultRequest =
  | { readonly kind: 'put'; readonly ticket: number; readonly name: string; readonly wrapped: Uint8Array }
  | { readonly kind: 'destroy'; readonly ticket: number; readonly name: string }
  | { readonly kind: 'close' }

export type VaultAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'done'; readonly tickets: readonly number[] }
  | { readonly kind: 'failed'; readonly tickets: readonly number[]; readonly reason: string }
