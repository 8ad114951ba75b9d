/** Signing in with a password: attempts, limits, and the networks a user signed in from. */
export { loginEvents, placeEvents } from './events.ts'
export { createLoginGuard, noLoginLimits } from './login-limits.ts'
export { createLoginRecord, type LoginRecord } from './login-record.ts'
export { type Places, openPlaces } from './places.ts'
export { type SignIn, openSignIn } from './sign-in.ts'
