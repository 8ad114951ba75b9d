import type { Projection } from '@ledgate/eventsourcing'
import type { EventMetadata } from '../log/index.ts'
import type { UserEvent, UserState } from './events.ts'
import type { EmailEvent } from '../email-address/index.ts'

/**
 * Every person, with sealed values only, and which person an address belongs to. The address is known by its keyed
 * hash, which is the name of its stream; the reservation it was confirmed with names the registration.
 */
export const users: Projection<(UserEvent | EmailEvent) & EventMetadata> = {
  name: 'users',
  version: 1,
  categories: ['user', 'email'],
  schema: (table) => `
    CREATE TABLE ${table('users')} (
      sub TEXT PRIMARY KEY,
      reservation_id TEXT,
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
    CREATE INDEX ${table('users_reservation')} ON ${table('users')} (reservation_id);
    CREATE TABLE ${table('user_emails')} (
      email_hmac TEXT PRIMARY KEY,
      reservation_id TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
  `,
  prepare(database, table) {
    const upsert = database.prepare(`
      INSERT INTO ${table('users')} VALUES (?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (sub) DO UPDATE SET epoch = excluded.epoch, disabled = excluded.disabled, erased = excluded.erased,
        email = excluded.email, email_verified = excluded.email_verified, name = excluded.name, roles = excluded.roles,
        entitlements = excluded.entitlements, password_set_at = excluded.password_set_at`)
    const reserved = database.prepare(`UPDATE ${table('users')} SET reservation_id = ? WHERE sub = ?`)
    const own = database.prepare(`INSERT OR REPLACE INTO ${table('user_emails')} VALUES (?, ?)`)
    const release = database.prepare(`DELETE FROM ${table('user_emails')} WHERE email_hmac = ?`)

    const put = (user: UserState) =>
      upsert.run(
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
    const newest = ({ data }: { readonly data: { readonly user: UserState } }) => void put(data.user)
    const emailHmac = (stream: string) => stream.slice('email-'.length)

    return {
      on: {
        UserRegistered({ data: { user, reservation_id } }) {
          put(user)
          reserved.run(reservation_id, user.sub)
        },
        EmailVerified: newest,
        EmailChanged({ data: { user, reservation_id } }) {
          put(user)
          if (reservation_id !== undefined) reserved.run(reservation_id, user.sub)
        },
        PasswordSet: newest,
        ProfileChanged: newest,
        RolesAssigned: newest,
        UserDisabled: newest,
        UserEnabled: newest,
        UserSessionsRevoked: newest,
        SubjectErased({ data: { user } }) {
          put(user)
          reserved.run(null, user.sub)
        },
        EmailConfirmed: ({ stream, data }) => void own.run(emailHmac(stream), data.reservation_id),
        EmailReleased: ({ stream }) => void release.run(emailHmac(stream)),
      },
    }
  },
}
