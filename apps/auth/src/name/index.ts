/** Names with one owner each: scopes, `resource` identifiers and `client_id`s. */
export { type Name, type Names, NameTaken, openNames } from './names.ts'
