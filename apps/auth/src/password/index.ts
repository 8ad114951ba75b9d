/** Passwords: what is acceptable, and their hashes. */
export { dummyHash } from './argon2.ts'
export { WrongPassword } from './errors.ts'
export { createPasswordHasher, type PasswordHasher } from './password-hasher.ts'
export { createPasswordPolicy, InvalidPassword, type PasswordPolicy } from './password-policy.ts'
export { isPossiblePassword, lengthOf, MAX_PASSWORD, MAX_TYPED_PASSWORD, MIN_PASSWORD } from './password.ts'
