/** Names with one owner each: scopes, `resource` identifiers and `client_id`s. */
export { type Name, NameTaken } from './name.decider.ts'
export { type Names, openNames } from './names.ts'
