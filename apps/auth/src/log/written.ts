/**
 * What a command answers that wrote something: where everybody sees it. The result of an append is none, since its
 * revision is a bigint, which no answer can hold.
 */
export type Written = { readonly position: string; readonly revision?: never }
