/** The base of the errors of this package. */
export { RevocationError } from './revocation-error.ts'
