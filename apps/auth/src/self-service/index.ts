/** What users do with their own account. */
export { accountResource } from './resource.ts'
export { ownAccountRoutes } from './routes.ts'
export { ownAccount } from './self-service.ts'
