import { defineProjection } from '../projection/index.ts'
import { type ResourceState, resourceStream } from './events.ts'

/** Every resource server as registered. Of its secrets only when they were made and when they end. */
export const resources = defineProjection({
  name: 'resources',
  version: 2,
  streams: [resourceStream],
  schema: (table) => `
    CREATE TABLE ${table('resources')} (
      client_id TEXT PRIMARY KEY,
      resource TEXT NOT NULL,
      registered_at INTEGER NOT NULL,
      disabled INTEGER NOT NULL,
      metadata TEXT NOT NULL,
      secrets TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
  `,
  prepare(database, table) {
    const put = database.prepare(`INSERT OR REPLACE INTO ${table('resources')} VALUES (?, ?, ?, ?, ?, ?)`)
    const newest = ({ data: { resource } }: { readonly data: { readonly resource: ResourceState } }) =>
      void put.run(
        resource.client_id,
        resource.metadata.resource,
        resource.registered_at,
        Number(resource.disabled),
        JSON.stringify(resource.metadata),
        JSON.stringify(resource.secrets.map(({ sha256: _, ...shown }) => shown)),
      )
    return {
      on: {
        ResourceRegistered: newest,
        ResourceUpdated: newest,
        ResourceSecretAdded: newest,
        ResourceSecretRevoked: newest,
        ResourceDisabled: newest,
        ResourceEnabled: newest,
      },
    }
  },
})
