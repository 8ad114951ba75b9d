import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Admin } from 'kafkajs'
import { z } from 'zod'

/** A listener where clients use TLS and a password, and another where they use TLS and a certificate. */
const Secured = z.object({
  brokers: z.string(),
  ca: z.string(),
  username: z.string(),
  password: z.string(),
  /** `cert` and `key` are files. */
  mutual: z.object({ brokers: z.string(), cert: z.string(), key: z.string() }),
})
const Started = z.object({ brokers: z.string(), pid: z.int().positive(), secured: Secured.optional() })

/** A real Kafka broker, and what can happen to one. */
export interface Broker {
  readonly brokers: readonly string[]
  /** `ca` is a file. Only of a broker that was asked for it. */
  readonly secured: z.infer<typeof Secured> | undefined
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>
  /** Lets it hang: its connections stay, and it says nothing. */
  freeze(): void
  thaw(): void
  /** Starts it again where it was, with what it kept; ends it first when it runs. */
  restart(): Promise<void>
  /** Deletes all messages of a topic; what comes next has the next offset. */
  truncate(topic: string): Promise<void>
  /** Deletes a topic; one that is made after it begins at offset 0. */
  deleteTopic(topic: string): Promise<void>
  /** Sets a setting of a topic, or takes back what was set. */
  setTopic(topic: string, setting: string, value: string | undefined): Promise<void>
  /** Damages what it has on its disk of a topic: the last byte of each place where a text stands. */
  damage(topic: string, text: string): Promise<void>
  close(): Promise<void>
}

export interface OpenBroker {
  /** One that nobody else uses, and that can therefore be harmed, even if `KAFKA_BROKERS` names another. */
  readonly isOwn?: boolean
  /** Whether it also listens with TLS and SASL; such a one is its own. */
  readonly isSecured?: boolean
}

const MAIN = join(import.meta.dirname, '..', '..', '..', '..', 'tools', 'kafka', 'src', 'main.ts')
const NODE_OPTIONS = ['--conditions=@ledgate/source', '--disable-warning=TimeoutNegativeWarning']

/** Why no broker can be started here, said once. */
let reason: string | undefined

/**
 * Whether tests can have a broker, for `describe.skipIf(!brokerIsAvailable())`. In CI it is always said to be there, so that
 * a test that cannot have one fails.
 */
export function brokerIsAvailable(): boolean {
  if (process.env['CI'] || process.env['KAFKA_BROKERS']) return true
  if (reason === undefined) {
    const { stderr, status } = spawnSync(process.execPath, [...NODE_OPTIONS, MAIN, '--check'], { encoding: 'utf8' })
    reason = status === 0 ? '' : stderr.trim() || 'tools/kafka does not run'
    if (reason !== '') process.stderr.write(`tests with Kafka are left out: ${reason}\n`)
  }
  return reason === ''
}

/** Opens the broker that `KAFKA_BROKERS` names, or starts one. @throws {Error} when it does not start. */
export async function openBroker({ isOwn = false, isSecured = false }: OpenBroker = {}): Promise<Broker> {
  const named = process.env['KAFKA_BROKERS']
  if (named && !isOwn && !isSecured) return namedBroker(named.split(','))
  const data = await mkdtemp(join(tmpdir(), 'ledgate-broker-'))
  const args = ['--data', data, ...(isSecured ? ['--secured'] : [])]
  let running = await spawnBroker(args)
  const { brokers } = running
  const kill = async () => {
    running.signal('SIGKILL')
    await running.ended
  }
  return {
    brokers: [brokers],
    /** Another port after each start. */
    get secured() {
      return running.secured
    },
    kill,
    freeze: () => running.signal('SIGSTOP'),
    thaw: () => running.signal('SIGCONT'),
    async restart() {
      await kill()
      running = await spawnBroker([...args, '--port', brokers.slice(brokers.indexOf(':') + 1)])
    },
    ...topicsOf([brokers]),
    async damage(topic, text) {
      const folder = join(data, 'log', `${topic}-0`)
      const segments = (await readdir(folder)).filter((name) => name.endsWith('.log'))
      const damaged = await Promise.all(segments.map((name) => damageFile(join(folder, name), text)))
      if (!damaged.includes(true)) throw new Error(`${topic} has no such text`)
    },
    async close() {
      await kill()
      await rm(data, { recursive: true, force: true })
    },
  }
}

function namedBroker(brokers: readonly string[]): Broker {
  const refuse = (): never => {
    throw new Error('the broker of KAFKA_BROKERS is not ours to harm: ask for one with isOwn')
  }
  const [now, later] = [refuse, async () => refuse()]
  const harm = { kill: later, restart: later, damage: later, freeze: now, thaw: now }
  return { brokers, secured: undefined, ...harm, ...topicsOf(brokers), close: () => Promise.resolve() }
}

interface Running {
  readonly brokers: string
  readonly secured: z.infer<typeof Secured> | undefined
  readonly ended: Promise<unknown>
  /** Sends a signal to Kafka itself. */
  signal(signal: NodeJS.Signals): void
}

async function spawnBroker(args: readonly string[]): Promise<Running> {
  // Its standard input ends with this process, however that ends; then it stops by itself.
  const child = spawn(process.execPath, [...NODE_OPTIONS, MAIN, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const { brokers, pid, secured } = Started.parse(JSON.parse(await firstLine(child)))
  let isGone = false
  void ended.then(() => (isGone = true))
  return {
    brokers,
    secured,
    ended,
    signal(signal) {
      if (!isGone) process.kill(pid, signal)
    },
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout) for await (const line of createInterface(child.stdout)) return line
  throw new Error('the broker did not start')
}

/** @returns whether the text stands there. */
async function damageFile(path: string, text: string): Promise<boolean> {
  const bytes = await readFile(path)
  const file = await open(path, 'r+')
  try {
    let at = bytes.indexOf(text)
    const isThere = at >= 0
    for (; at >= 0; at = bytes.indexOf(text, at + text.length)) await file.write('~', at + text.length - 1)
    return isThere
  } finally {
    await file.close()
  }
}

/** What an administrator does to topics. */
function topicsOf(brokers: readonly string[]): Pick<Broker, 'truncate' | 'deleteTopic' | 'setTopic'> {
  const asAdmin = async (work: (admin: Admin) => Promise<void>) => {
    // Only who does this needs kafkajs; everybody else who tests with this package does not.
    const { Kafka, logLevel } = await import('kafkajs')
    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    try {
      await work(admin)
    } finally {
      await admin.disconnect()
    }
  }
  return {
    truncate: (topic) =>
      asAdmin(async (admin) => {
        const [end] = await admin.fetchTopicOffsets(topic)
        await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: end?.high ?? '-1' }] })
      }),
    deleteTopic: (topic) => asAdmin((admin) => admin.deleteTopics({ topics: [topic] })),
    setTopic: (topic, setting, value) =>
      asAdmin(async (admin) => {
        const { ConfigResourceTypes, ConfigSource } = (await import('kafkajs')).default
        const topicOf = { type: ConfigResourceTypes.TOPIC, name: topic }
        const { resources } = await admin.describeConfigs({ resources: [topicOf], includeSynonyms: false })
        // Whoever alters one has to say all that were set.
        const before =
          resources[0]?.configEntries.filter((each) => each.configSource === ConfigSource.TOPIC_CONFIG) ?? []
        const others = before.filter(({ configName }) => configName !== setting)
        const configEntries = others.map(({ configName: name, configValue }) => ({ name, value: configValue }))
        if (value !== undefined) configEntries.push({ name: setting, value })
        await admin.alterConfigs({ validateOnly: false, resources: [{ ...topicOf, configEntries }] })
      }),
  }
}
