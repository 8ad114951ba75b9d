/** Passwords: what is acceptable, and their hashes. */
export { dummyHash } from './argon2.ts'
export { WrongPassword } from './errors.ts'
export { type PasswordHasher, createPasswordHasher } from './password-hasher.ts'
export { InvalidPassword, type PasswordPolicy, createPasswordPolicy } from './password-policy.ts'
export { isPossiblePassword, lengthOf, MAX_PASSWORD, MAX_TYPED_PASSWORD, MIN_PASSWORD } from './password.ts'
