/** The administration over HTTP. */
export { administrationEvents } from './events.ts'
export { administrationResource } from './resource.ts'
export { administrationRoutes } from './routes.ts'
export { type Setup, openSetup, setupRoutes } from './setup.ts'
