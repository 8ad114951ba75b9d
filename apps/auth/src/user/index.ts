/** Users: their state, the commands that change it, and what is shown of them. */
export { type ChangedUser, changeUser } from './change-user.ts'
export { Superseded, UnknownAccount, unlessErased } from './errors.ts'
export { userEvents, UserState, userStream } from './events.ts'
export { PersonName } from './name.ts'
export { users } from './projection.ts'
export { userQueries, type UserQueries } from './queries.ts'
export { aboutUser, readUser } from './read-user.ts'
export { user, type UserCommand } from './user.decider.ts'
