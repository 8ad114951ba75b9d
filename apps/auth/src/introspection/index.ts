/** Token introspection: RFC 7662. */
export { type Bearer, type BearerDependencies, presentedToken } from './bearer.ts'
export { introspectionRoutes } from './routes.ts'
export { continuing, type LiveGrant, type VerdictDependencies } from './verdict.ts'
