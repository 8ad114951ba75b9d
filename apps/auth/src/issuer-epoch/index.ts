/** The issuer epoch, which revokes every token of the installation at once. */
export { installationEvents } from './events.ts'
export { type Installation, openInstallation } from './issuer-epoch.ts'
