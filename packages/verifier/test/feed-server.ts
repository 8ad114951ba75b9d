import { createServer } from 'node:http'
import type { Ended } from '@ledgate/revocation'
import type { TestFeed } from '@ledgate/revocation/testing'
import { type Listening, listening } from './adapters/listening.ts'

/** The feed of an issuer as it is over HTTP, on loopback: docs/revocation-notices.md. */
export interface FeedServer extends Listening {
  readonly url: string
  /** What was asked for, in order. */
  readonly asked: readonly string[]
  /** Ends something, and tells everybody. */
  end(ended: Ended): Promise<void>
}

const BEAT_MS = 200

interface Told {
  readonly event: 'notice' | 'heartbeat'
  readonly position: string
  readonly jws: string
}

const written = ({ event, position, jws }: Told): string => `id: ${position}\nevent: ${event}\ndata: ${jws}\n\n`

export async function feedServer(feed: TestFeed): Promise<FeedServer> {
  const asked: string[] = []
  const notices: Told[] = []
  const readers = new Set<(told: Told) => void>()

  const heartbeat = async (): Promise<Told> => {
    const through = feed.position
    const jws = await feed.sign({ kind: 'heartbeat', through, at: Date.now() })
    return { event: 'heartbeat', position: through, jws }
  }
  const tell = (told: Told): void => readers.forEach((reader) => reader(told))
  const beat = setInterval(() => void heartbeat().then(tell), BEAT_MS)

  const snapshot = (): Promise<string> =>
    feed.sign({
      kind: 'chunk',
      snapshot: crypto.randomUUID(),
      index: 0,
      count: 1,
      through: feed.position,
      at: Date.now(),
      ended: [...feed.all],
    })

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
    asked.push(request.url ?? '')
    if (pathname === '/revocations/snapshot')
      return void snapshot().then((jws) => response.setHeader('content-type', 'application/jsonl').end(`${jws}\n`))
    if (pathname !== '/revocations/stream') return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const after = searchParams.get('after') ?? ''
    const reader = (told: Told) => void response.write(written(told))
    notices.filter(({ position }) => position > after).forEach(reader)
    readers.add(reader)
    response.once('close', () => readers.delete(reader))
  })
  const { port, close } = await listening(server)

  return {
    port,
    url: `http://127.0.0.1:${port}`,
    asked,
    async end(ended) {
      const notice = await feed.end(ended)
      const told = { event: 'notice', position: notice.position, jws: await feed.sign(notice) } as const
      notices.push(told)
      tell(told)
    },
    async close() {
      clearInterval(beat)
      await close()
    },
  }
}
