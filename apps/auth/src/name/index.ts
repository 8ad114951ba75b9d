/** Names with one owner each: scopes, `resource` identifiers and `client_id`s. */
export { nameEvents } from './events.ts'
export { type Name, type Names, openNames, NameTaken } from './names.ts'
