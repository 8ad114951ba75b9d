/** The work of one hashing thread. Argon2id is all it does, so that it delays no one but other passwords. */
import { hashSync, verifySync } from '@node-rs/argon2'
import { ARGON2ID } from './argon2.ts'

export type PasswordTask =
  | { readonly kind: 'hash'; readonly password: string }
  | { readonly kind: 'verify'; readonly phc: string; readonly password: string }

/** Hashes, or says whether the password is the hashed one. */
export function work(task: PasswordTask): string | boolean {
  return task.kind === 'hash' ? hashSync(task.password, ARGON2ID) : verifySync(task.phc, task.password)
}
