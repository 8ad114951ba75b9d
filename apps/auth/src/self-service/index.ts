/** What users do with their own account. */
export { accountResource } from './account-resource.ts'
export { selfServiceRoutes } from './routes.ts'
export { openSelfService } from './self-service.ts'
