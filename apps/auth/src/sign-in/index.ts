/** Signing in with a password: attempts, limits, and the networks a user signed in from. */
export { loginEvents, placeEvents } from './events.ts'
export { loginGuard, noLoginLimits } from './login-limits.ts'
export { loginRecord, type LoginRecord } from './login-record.ts'
export { type Places, places } from './places.ts'
export { type SignIn, signIn } from './sign-in.ts'
