import { defineProjection } from '../projection/index.ts'
import { type UserState, userStream } from './events.ts'

/** Every user, with sealed values only. */
export const users = defineProjection({
  name: 'users',
  version: 2,
  streams: [userStream],
  schema: (table) => `
    CREATE TABLE ${table('users')} (
      sub TEXT PRIMARY KEY,
      epoch INTEGER NOT NULL,
      disabled INTEGER NOT NULL,
      erased INTEGER NOT NULL,
      email TEXT NOT NULL,
      email_verified INTEGER NOT NULL,
      name TEXT,
      roles TEXT NOT NULL,
      entitlements TEXT NOT NULL,
      registered_at INTEGER NOT NULL,
      password_set_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX ${table('users_confirmed')} ON ${table('users')} (sub) WHERE email_verified = 1;
  `,
  prepare(database, table) {
    const put = database.prepare(`INSERT OR REPLACE INTO ${table('users')} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
    const newest = ({ data: { user } }: { readonly data: { readonly user: UserState } }) =>
      void put.run(
        user.sub,
        user.epoch,
        Number(user.disabled),
        Number(user.erased),
        user.email,
        Number(user.email_verified),
        user.name ?? null,
        JSON.stringify(user.roles),
        JSON.stringify(user.entitlements),
        user.registered_at,
        user.password_set_at,
      )
    return {
      on: {
        UserRegistered: newest,
        EmailVerified: newest,
        EmailChanged: newest,
        PasswordSet: newest,
        ProfileChanged: newest,
        RolesAssigned: newest,
        UserDisabled: newest,
        UserEnabled: newest,
        UserSessionsRevoked: newest,
        SubjectErased: newest,
      },
    }
  },
})
