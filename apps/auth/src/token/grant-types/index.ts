/** The grant types of the token endpoint. */
export { clientCredentials } from './client-credentials.ts'
export { password } from './password.ts'
export { refreshToken } from './refresh-token.ts'
