import type { ViewReader } from '@ledgate/eventsourcing'
import type { ResourceMetadata } from '@ledgate/oauth'
import { z } from 'zod'
import { ShownSecrets } from '../client/index.ts'
import { flag, json, limitOf, type Page } from '../projection/index.ts'

const Row = z.object({
  client_id: z.string(),
  resource: z.string(),
  registered_at: z.int(),
  disabled: flag,
  /** Checked when it was registered. */
  metadata: json(z.custom<ResourceMetadata>((value) => typeof value === 'object' && value !== null)),
  secrets: ShownSecrets,
})
export type ResourceView = z.infer<typeof Row>

export interface ResourceQueries {
  byId(clientId: string): ResourceView | undefined
  /** By `client_id`. */
  list(page?: Page): readonly ResourceView[]
}

export function resourceQueries(reader: ViewReader): ResourceQueries {
  return {
    byId: (clientId) => Row.optional().parse(reader.get('SELECT * FROM resources WHERE client_id = ?', clientId)),
    list: ({ after = '', limit } = {}) =>
      z
        .array(Row)
        .parse(
          reader.all('SELECT * FROM resources WHERE client_id > ? ORDER BY client_id LIMIT ?', after, limitOf(limit)),
        ),
  }
}
