/** The issuer epoch, which revokes every token of the installation at once. */
export { installationEvents } from './events.ts'
export { type IssuerEpoch, openIssuerEpoch } from './issuer-epoch.ts'
