/** What administrators do with the accounts of users. */
export { type Accounts, accounts } from './accounts.ts'
