import { defineProjection } from '../projection/index.ts'
import { type ClientState, clientStream } from './events.ts'

/** Every client as registered. Of its secrets only when they were made and when they end. */
export const clients = defineProjection({
  name: 'clients',
  version: 1,
  streams: [clientStream],
  schema: (table) => `
    CREATE TABLE ${table('clients')} (
      client_id TEXT PRIMARY KEY,
      client_id_issued_at INTEGER NOT NULL,
      epoch INTEGER NOT NULL,
      disabled INTEGER NOT NULL,
      metadata TEXT NOT NULL,
      secrets TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
  `,
  prepare(database, table) {
    const put = database.prepare(`INSERT OR REPLACE INTO ${table('clients')} VALUES (?, ?, ?, ?, ?, ?)`)
    const newest = ({ data: { client } }: { readonly data: { readonly client: ClientState } }) =>
      void put.run(
        client.client_id,
        client.client_id_issued_at,
        client.epoch,
        Number(client.disabled),
        JSON.stringify(client.metadata),
        JSON.stringify(client.secrets.map(({ sha256: _, ...shown }) => shown)),
      )
    return {
      on: {
        ClientRegistered: newest,
        ClientUpdated: newest,
        ClientSecretAdded: newest,
        ClientSecretRevoked: newest,
        ClientDisabled: newest,
        ClientEnabled: newest,
      },
    }
  },
})
