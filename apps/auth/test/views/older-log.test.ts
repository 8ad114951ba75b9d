import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inMemoryEventStore, type JsonObject, type NewEvent } from '@ledgate/eventsourcing'
import { openProjector } from '@ledgate/projection-sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { decode } from '../../src/catalogue/index.ts'
import { projections } from '../../src/views/projections.ts'

/** How many payloads of golden.json the digests below were made of. */
const PAYLOADS = 69

/**
 * The digests of the views over the golden payloads, as version 0.1 of Ledgate built them, before its folders were reordered.
 * A projection that gets a new version gets a new line here, and keeps nothing of the old one.
 */
const DIGESTS: Readonly<Record<string, string>> = {
  'audit 1': 'a521a34719f515e1e680adddc08080ed2669a1eaa46ac1b1496ce274ee5ddd8d',
  'clients 1': 'f3ebce7b3e01d2cf363fe11efd58ec22cb87221a122b35e20b52e968fd61c890',
  'grants 2': '762cf43a14938b1837a601a8b8237d2ec578899abea9571c9e65cbc3fb3363b5',
  'resources 2': 'e75ddb3124f544b7a72a71999078ea83a14787dfedbcc0ed6f425677bcc3a953',
  'revocations 1': 'b13b35a8fc2eb6c991655a18aa5f8ed907d2345e98e72573533df5336a2b06c5',
  'sessions 1': '526fcd90d9aae9a96230ab4835efcb6515450729e21d4813df29e8dc7233641d',
  'users 2': 'b8ad7a827c43aa1366f668c0924fbe9e3a1ef5bf60cdb98c727110b122cdad19',
}

type Data = Readonly<Record<string, Readonly<Record<string, string>> | undefined>>

/** The stream that an event of golden.json would be in. */
function streamOf(type: string, data: Data): string {
  if (data['user']) return `user-${data['user']['sub']}`
  if (data['client']) return `client-${data['client']['client_id']}`
  if (data['resource']) return `resource-${data['resource']['client_id']}`
  if (data['session']) return `session-${data['session']['sid']}`
  if (data['grant']) return `grant-${data['grant']['gid']}`
  if (type.startsWith('Email')) return 'email-hmac'
  return `${type.toLowerCase()}-1`
}

it('an older log gives the same views', async () => {
  const text = readFileSync(join(import.meta.dirname, '../../src/catalogue/golden.json'), 'utf8')
  const payloads = (JSON.parse(text) as { type: string; data: JsonObject; metadata: JsonObject }[]).slice(0, PAYLOADS)
  const store = inMemoryEventStore({ clock: () => 1_700_000_000_000 })
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-older-log-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [index, { type, data, metadata }] of payloads.entries()) {
    const id = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`
    const event: NewEvent = { id, type, data, metadata }
    await store.append(streamOf(type, data as unknown as Data), [event], { expected: 'any' })
  }
  const projector = await openProjector({ file: join(folder, 'views.db'), reader: store, projections, decode })
  onTestFinished(() => projector.close())
  expect(await projector.waitFor(await store.head(), { timeoutMs: 60_000 })).toBe(true)
  const digests: Record<string, string> = {}
  for (const { name, version } of projections) digests[`${name} ${version}`] = (await projector.digest(name)).digest
  expect(digests).toEqual(DIGESTS)
})
