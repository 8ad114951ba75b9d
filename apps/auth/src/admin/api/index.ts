/** The administration over HTTP. */
export { administrationResource } from './administration-resource.ts'
export { administrationRoutes } from './routes.ts'
export { openSetup, type Setup, setupRoutes } from './setup.ts'
