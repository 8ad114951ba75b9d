/** Token revocation: RFC 7009. */
export { revocationRoutes } from './routes.ts'
