import type { ViewReader } from '@ledgate/eventsourcing'
import type { ClientMetadata } from '@ledgate/oauth'
import { z } from 'zod'
import { Secret } from '../credential/index.ts'
import { flag, json, limitOf, type Page } from '../projection/index.ts'

/** A secret as it may be shown: not even its hash. */
export const ShownSecrets = json(z.array(Secret.omit({ sha256: true })))

const Row = z.object({
  client_id: z.string(),
  client_id_issued_at: z.int(),
  epoch: z.int(),
  disabled: flag,
  /** Checked when it was registered. */
  metadata: json(z.custom<ClientMetadata>((value) => typeof value === 'object' && value !== null)),
  secrets: ShownSecrets,
})
export type ClientView = z.infer<typeof Row>

export interface ClientQueries {
  byId(clientId: string): ClientView | undefined
  /** By `client_id`. */
  list(page?: Page): readonly ClientView[]
}

export function clientQueries(reader: ViewReader): ClientQueries {
  return {
    byId: (clientId) => Row.optional().parse(reader.get('SELECT * FROM clients WHERE client_id = ?', clientId)),
    list: ({ after = '', limit } = {}) =>
      z
        .array(Row)
        .parse(
          reader.all('SELECT * FROM clients WHERE client_id > ? ORDER BY client_id LIMIT ?', after, limitOf(limit)),
        ),
  }
}
