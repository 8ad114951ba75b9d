import {
  encodeStatement,
  type Ended,
  EVENT_TYPES,
  type IssuedStatement,
  type LogPosition,
  type Notice,
  Notices,
} from '../statement/index.ts'
import { type FakeMessage, type FakeSource, fakeSource, type FakeSourceOptions } from './fake-source.ts'
import { type TestSigner, testSigner } from './test-signer.ts'

export interface TestFeedOptions {
  readonly issuer?: string
  readonly signer?: TestSigner
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Entries in a chunk of a snapshot. */
  readonly chunk?: number
  /** Whether its notices and heartbeats name the notice before them, as those of an issuer of before do not. */
  readonly isLinked?: () => boolean
}

/** The feed of an issuer that lives in a test: what it says, all of its sources give. */
export interface TestFeed {
  readonly issuer: string
  readonly signer: TestSigner
  readonly keyFor: TestSigner['keyFor']
  /** Everything that it ended so far. */
  readonly all: readonly Ended[]
  readonly position: LogPosition
  /** Says that something ended. `change` is of the notice. */
  end(ended: Ended, change?: Partial<Pick<Notice, 'jti' | 'txn' | 'time'>>): Promise<Notice>
  /** Says that everything was told up to now, or as of another time in milliseconds since the epoch. */
  heartbeat(at?: number): Promise<void>
  /** A heartbeat now and every so many milliseconds. Returns what stops it. */
  beat(everyMs: number): () => void
  /** Any statement, signed as the issuer's and given to nobody. */
  sign(statement: IssuedStatement): Promise<string>
  source(options?: FakeSourceOptions): FakeSource
}

const placeOf = (count: number): LogPosition => String(count).padStart(16, '0')

/** A feed with a key of its own in which nothing has ended yet. */
export async function testFeed(options: TestFeedOptions = {}): Promise<TestFeed> {
  const { issuer = 'https://issuer.test', now = Date.now, chunk = 100, isLinked = () => true } = options
  const signer = options.signer ?? (await testSigner())
  const history: FakeMessage[] = []
  const all: Ended[] = []
  const sources: ReturnType<typeof fakeSource>[] = []
  let events = 0
  let snapshots = 0
  let last: Promise<unknown> = Promise.resolve()

  const position = () => placeOf(events)
  const sign = (statement: IssuedStatement) => encodeStatement(statement, { issuer, signer, now })
  const link = () => (isLinked() ? { predecessor: events === 0 ? '' : position() } : {})

  /** One after another, so that everything is told in the order in which it was said. */
  function say(statement: IssuedStatement, at: LogPosition): Promise<void> {
    const said = last.then(async () => {
      const message = { jws: await sign(statement), position: at }
      history.push(message)
      for (const source of sources) source.tell(message)
    })
    last = said
    return said
  }

  function parts(): readonly (readonly Ended[])[] {
    const cut: Ended[][] = []
    for (let from = 0; from < all.length; from += chunk) cut.push(all.slice(from, from + chunk))
    return cut.length === 0 ? [[]] : cut
  }

  async function snapshot(): Promise<readonly FakeMessage[]> {
    const [cut, through, at] = [parts(), position(), now()]
    snapshots += 1
    const name = `snapshot-${snapshots}`
    return Promise.all(
      cut.map(async (ended, index) => ({
        jws: await sign({ kind: 'chunk', snapshot: name, index, count: cut.length, through, at, ended }),
        position: through,
      })),
    )
  }

  /** Every event of this log is a notice. */
  const heartbeat = (at = now()) => say({ kind: 'heartbeat', through: position(), at, ...link() }, position())

  return {
    issuer,
    signer,
    keyFor: signer.keyFor,
    all,
    get position() {
      return position()
    },
    async end(ended, change = {}) {
      const linked = link()
      events += 1
      all.push(ended)
      const [type] = Object.values(EVENT_TYPES[ended.scope])
      const notice = Notices[ended.scope].parse({
        kind: 'notice',
        ended,
        type,
        time: Math.floor(now() / 1000),
        jti: `event-${events}`,
        txn: `request-${events}`,
        position: position(),
        ...linked,
        ...change,
      })
      await say(notice, notice.position)
      return notice
    },
    heartbeat,
    beat(everyMs) {
      void heartbeat()
      const timer = setInterval(() => void heartbeat(), everyMs)
      return () => clearInterval(timer)
    },
    sign,
    source(how) {
      const source = fakeSource({ history, snapshot }, how)
      sources.push(source)
      return source
    },
  }
}
