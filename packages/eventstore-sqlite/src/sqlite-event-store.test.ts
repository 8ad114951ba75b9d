import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventStore } from '@ledgate/eventsourcing'
import { eventStoreContract } from '@ledgate/eventsourcing/testing'
import { openSqliteEventStore } from './index.ts'

eventStoreContract(
  'the SQLite event store',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ledgate-log-'))
    const opened: EventStore[] = []
    return {
      async connect() {
        const store = await openSqliteEventStore({ file: join(folder, 'events.db') })
        opened.push(store)
        return store
      },
      async dispose() {
        await Promise.all(opened.map((store) => store.close()))
        rmSync(folder, { recursive: true })
      },
    }
  },
  { durable: true, startsEmpty: true },
)
