/** What administrators do with the accounts of users. */
export { type Accounts, openAccounts } from './accounts.ts'
