/** Names with one owner each: scopes, `resource` identifiers and `client_id`s. */
export { nameEvents } from './events.ts'
export { type Name, type Names, names, NameTaken } from './names.ts'
