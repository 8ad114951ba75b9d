/** Signing in with a password: attempts, limits, and the networks a user signed in from. */
export { createLoginGuard, noLoginLimits } from './login-limits.ts'
export { createLoginRecord, type LoginRecord } from './login-record.ts'
export { openPlaces, type Places } from './places.ts'
export { openSignIn, type SignIn } from './sign-in.ts'
