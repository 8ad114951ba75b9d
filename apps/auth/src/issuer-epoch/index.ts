/** The issuer epoch, which revokes every token of the installation at once. */
export { type IssuerEpoch, openIssuerEpoch } from './issuer-epoch.ts'
