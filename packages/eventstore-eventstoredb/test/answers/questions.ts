import type { Asked, Proposed, Reading } from './asking.ts'
import { type Described, lengthOf } from './describing.ts'
import type { Names } from './naming.ts'

export type Answers = Record<string, Record<string, unknown>>

/** Puts the questions of one scenario, in their order: many stand on what was written for those before. */
interface Asking {
  readonly server: Asked
  readonly names: Names
  /** Keeps an answer under the text of its question. */
  say(question: string, answer: unknown): void
  /** How many messages the real server gave to the next subscription's question. */
  count(question: string): number
}

const many = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)
const jsonOf = (bytes: number): string => JSON.stringify({ a: 'x'.repeat(bytes) })
const metadata = ({ server }: Asking, stream: string, data: string): Promise<Described> =>
  server.batch(`$$${stream}`, [{ id: `metadata of ${stream}: ${data}`, type: '$metadata', data }], 'any')

type Step = readonly [question: string, ask: (server: Asked) => Promise<unknown>]
async function inTurn({ server, say }: Asking, steps: readonly Step[]): Promise<void> {
  for (const [question, askIt] of steps) say(question, await askIt(server))
}

async function newDatabase({ server, say, count }: Asking): Promise<void> {
  const followed = {
    'by type': server.subscribe({ types: '^(Wanted)$', window: 256 }),
    'by stream': server.subscribe({ regex: '^(c(-|$))', window: 256 }),
    'not system': server.subscribe({ regex: '^[^$]', window: 256 }),
    everything: server.subscribe({}),
  }
  for (const [question, subscription] of Object.entries(followed))
    say(question, await subscription.take(count(question)))
  const both: Proposed[] = [
    { id: 'n1', type: 'Wanted' },
    { id: 'n2', type: 'Other' },
  ]
  await server.batch('c-1', both, 'noStream')
  for (const [name, subscription] of Object.entries(followed)) {
    const question = name === 'by type' ? 'by type, after an append of Wanted and Other to c-1' : `${name}, after that`
    say(question, await subscription.take(count(question)))
  }
  await server.batch('d-1', many('d', 300), 'noStream')
  for (const name of ['by type', 'by stream'] as const) say(`${name}, after 300 others`, await followed[name].take(0))
  for (const subscription of Object.values(followed)) subscription.stop()
}

const expectations: readonly Step[] = [
  ['two events to a new stream, noStream', (s) => s.batch('a-1', ['a1', 'a2'], 'noStream')],
  ['the same again', (s) => s.batch('a-1', ['a1', 'a2'], 'noStream')],
  ['the same, any', (s) => s.batch('a-1', ['a1', 'a2'], 'any')],
  ['the same, exists', (s) => s.batch('a-1', ['a1', 'a2'], 'exists')],
  ['other ids, noStream', (s) => s.batch('a-1', ['x1'], 'noStream')],
  ['revision 0 while at 1', (s) => s.batch('a-1', ['x2'], 0)],
  ['revision 7 while at 1', (s) => s.batch('a-1', ['x3'], 7)],
  ['revision 1', (s) => s.batch('a-1', ['a3'], 1)],
  ['the same again', (s) => s.batch('a-1', ['a3'], 1)],
  ['first two again, noStream, at 2', (s) => s.batch('a-1', ['a1', 'a2'], 'noStream')],
  ['first one of them, noStream', (s) => s.batch('a-1', ['a1'], 'noStream')],
  ['first three as one, noStream', (s) => s.batch('a-1', ['a1', 'a2', 'a3'], 'noStream')],
  ['one known and one new, noStream', (s) => s.batch('a-1', ['a1', 'n9'], 'noStream')],
  ['second and third, revision 0', (s) => s.batch('a-1', ['a2', 'a3'], 0)],
  ['known ids in another order, noStream', (s) => s.batch('a-1', ['a2', 'a1'], 'noStream')],
  ['an id of another stream, any', (s) => s.batch('a-2', ['a1'], 'any')],
  ['exists, missing stream', (s) => s.batch('a-none', ['y1'], 'exists')],
  ['revision 0, missing stream', (s) => s.batch('a-none', ['y1'], 0)],
  ['any, missing stream', (s) => s.batch('a-any', ['y2'], 'any')],
  ['no events, any', (s) => s.batch('a-1', [], 'any')],
  ['no events, revision 2', (s) => s.batch('a-1', [], 2)],
  ['no events, missing stream, noStream', (s) => s.batch('a-empty', [], 'noStream')],
  ['the same id twice in one append', (s) => s.batch('a-dup', ['z1', 'z1'], 'noStream')],
  ['read it', (s) => s.read({ stream: 'a-dup' })],
  ['plain Append, revision 9 while at 2', (s) => s.append('a-1', ['p1'], 9)],
  ['plain Append, exists, missing stream', (s) => s.append('a-none2', ['p2'], 'exists')],
  ['plain Append, the first two again', (s) => s.append('a-1', ['a1', 'a2'], 'noStream')],
]

const impossible: readonly Step[] = [
  ['a stream without a name', (s) => s.batch('', ['q1'], 'any')],
  ['a system stream', (s) => s.batch('$mine', ['q2'], 'any')],
  ['an id that is no UUID', (s) => s.batch('q-1', ['raw:not-a-uuid'], 'any')],
  ['no type', (s) => s.batch('q-1', [{ id: 'q3', type: undefined }], 'any')],
  ['an empty type', (s) => s.batch('q-1', [{ id: 'q4', type: '' }], 'any')],
  ['an event of 1,100,000 bytes', (s) => s.batch('q-1', [{ id: 'q5', data: jsonOf(1_100_000) }], 'any')],
  [
    'three of 500,000 bytes',
    (s) => {
      const data = jsonOf(500_000)
      return s.batch(
        'q-1',
        [
          { id: 'q6', data },
          { id: 'q7', data },
          { id: 'q8', data },
        ],
        'any',
      )
    },
  ],
  ['one of 1,000,000 bytes', (s) => s.batch('q-2', [{ id: 'q9', data: jsonOf(1_000_000) }], 'any')],
  ['plain Append of 1,100,000 bytes', (s) => s.append('q-3', [{ id: 'q10', data: jsonOf(1_100_000) }], 'any')],
  ['data that is no JSON, said to be JSON', (s) => s.batch('q-4', [{ id: 'q11', data: '{' }], 'any')],
  ['5,000 events', (s) => s.batch('q-5', many('w', 5_000), 'noStream')],
]

async function deleted(asking: Asking): Promise<void> {
  const { server } = asking
  await inTurn(asking, [
    ['delete a missing stream, any', (s) => s.remove('x-none', 'any')],
    ['the same, noStream', (s) => s.remove('x-none2', 'noStream')],
    ['the same, exists', (s) => s.remove('x-none3', 'exists')],
    ['the same, revision 0', (s) => s.remove('x-none4', 0)],
  ])
  await server.batch('x-1', ['k1', 'k2'], 'noStream')
  await inTurn(asking, [
    ['delete at a wrong revision', (s) => s.remove('x-1', 5)],
    ['delete at revision 1', (s) => s.remove('x-1', 1)],
    ['read it', (s) => s.read({ stream: 'x-1' })],
    ['read it backwards', (s) => s.read({ stream: 'x-1', backwards: true })],
    ['read it from 1', (s) => s.read({ stream: 'x-1', from: 1 })],
    ['its metadata', (s) => s.read({ stream: '$$x-1' })],
    ['delete again, any', (s) => s.remove('x-1', 'any')],
    ['delete again, exists', (s) => s.remove('x-1', 'exists')],
    ['append, exists', (s) => s.batch('x-1', ['k3'], 'exists')],
    ['append, revision 1', (s) => s.batch('x-1', ['k4'], 1)],
    ['append the first ids again, noStream', (s) => s.batch('x-1', ['k1', 'k2'], 'noStream')],
    ['append others, noStream', (s) => s.batch('x-1', ['k5'], 'noStream')],
    ['read it', (s) => s.read({ stream: 'x-1' })],
    ['its metadata', (s) => s.read({ stream: '$$x-1' })],
    ['delete after that, any', (s) => s.remove('x-1', 'any')],
    ['append, any', (s) => s.batch('x-1', ['k6'], 'any')],
    ['read it', (s) => s.read({ stream: 'x-1' })],
    ['in the whole log', (s) => s.read({ prefixes: ['x-1'] })],
  ])
  await server.batch('x-2', ['h1'], 'noStream')
  await inTurn(asking, [
    ['tombstone', (s) => s.tombstone('x-2', 'any')],
    ['read it', (s) => s.read({ stream: 'x-2' })],
    ['append, any', (s) => s.batch('x-2', ['h2'], 'any')],
    ['append, noStream', (s) => s.batch('x-2', ['h3'], 'noStream')],
    ['plain Append, any', (s) => s.append('x-2', ['h4'], 'any')],
    ['delete it', (s) => s.remove('x-2', 'any')],
    ['tombstone again', (s) => s.tombstone('x-2', 'any')],
    ['its metadata, set', () => metadata(asking, 'x-2', '{"$maxCount":1}')],
    ['in the whole log', (s) => s.read({ prefixes: ['x-2'] })],
  ])
}

async function forgetful(asking: Asking): Promise<void> {
  const { server } = asking
  await server.batch('m-1', many('m', 5), 'noStream')
  await inTurn(asking, [
    ['metadata: $maxCount 2', () => metadata(asking, 'm-1', '{"$maxCount":2}')],
    ['read', (s) => s.read({ stream: 'm-1' })],
    ['read from 0, one', (s) => s.read({ stream: 'm-1', from: 0, count: 1 })],
    ['read backwards', (s) => s.read({ stream: 'm-1', backwards: true })],
    ['append, noStream', (s) => s.batch('m-1', ['mm'], 'noStream')],
    ['in the whole log', (s) => s.read({ prefixes: ['m-1'] })],
  ])
  await server.batch('m-2', many('mt', 3), 'noStream')
  await inTurn(asking, [
    ['metadata: $tb 3 (everything)', () => metadata(asking, 'm-2', '{"$tb":3}')],
    ['read', (s) => s.read({ stream: 'm-2' })],
    ['read backwards', (s) => s.read({ stream: 'm-2', backwards: true })],
    ['append, exists', (s) => s.batch('m-2', ['mu'], 'exists')],
    ['read', (s) => s.read({ stream: 'm-2' })],
  ])
}

async function ofStreams(asking: Asking): Promise<void> {
  await asking.server.batch('r-1', many('r', 4), 'noStream')
  const of = (reading: Reading) => (server: Asked) => server.read({ stream: 'r-1', ...reading })
  await inTurn(asking, [
    ['all', of({})],
    ['from 2', of({ from: 2 })],
    ['from 4, one past the end', of({ from: 4 })],
    ['from 99', of({ from: 99 })],
    ['two', of({ count: 2 })],
    ['none', of({ count: 0 })],
    ['backwards', of({ backwards: true })],
    ['backwards from 2, two', of({ backwards: true, from: 2, count: 2 })],
    ['backwards from 99', of({ backwards: true, from: 99 })],
    ['forwards from the end', of({ from: 'end' })],
    ['backwards from the start', of({ backwards: true, from: 'start' })],
    ['a missing stream', of({ stream: 'r-none' })],
    ['a missing stream backwards', of({ stream: 'r-none', backwards: true })],
    ['a stream without a name', of({ stream: '' })],
  ])
}

/** Bytes; far past the end of any log of a test. */
const FAR = 1_000_000_000n

async function ofTheLog(asking: Asking): Promise<void> {
  const { server, names } = asking
  await server.batch('l-0', many('l0', 2), 'noStream')
  const three = many('l', 3).map((id) => ({ id, type: id === 'l1' ? 'L.One' : 'T' }))
  await server.batch('l-1', three, 'noStream')
  await server.batch('l-2', many('lx', 2), 'noStream')
  const of = (reading: Reading) => (asked: Asked) => asked.read({ prefixes: ['l-1', 'l-2'], ...reading })
  const whole = (reading: Reading) => (asked: Asked) => asked.read(reading)
  await inTurn(asking, [
    ['l-, forwards', of({})],
    ['l-, backwards', of({ backwards: true })],
  ])
  const [first, second, end] = ['l-1@0', 'l-1@1', 'l-2@1'].map(names.positionOf) as [bigint, bigint, bigint]
  await inTurn(asking, [
    ['forwards from the position of l-1@1', of({ from: second })],
    ['backwards from the position of l-1@1', of({ from: second, backwards: true })],
    ['forwards from l-1@0, two', of({ from: first, count: 2 })],
    ['forwards from one byte after l-1@0', of({ from: first + 1n, count: 2 })],
    ['forwards from a million bytes past the end', of({ from: end + FAR, count: 2 })],
    ['backwards from there', of({ from: end + FAR, backwards: true, count: 2 })],
    ['forwards from the end', of({ from: 'end' })],
    ['none', of({ count: 0 })],
    ['no filter, backwards, two', whole({ backwards: true, count: 2 })],
    ['no filter, forwards from the position of l-1@1, two', whole({ from: second, count: 2 })],
    ['no filter, backwards from the position of l-1@1, two', whole({ from: second, backwards: true, count: 2 })],
    ['a filter that nothing passes', whole({ prefixes: ['nothing-'] })],
    ['by type', whole({ types: '^L[.]One$' })],
    ['by regex', whole({ regex: '^l-2$' })],
  ])
}

async function subscriptions({ server, names, say, count }: Asking): Promise<void> {
  await server.batch('s-0', many('s0', 100), 'noStream')
  await server.batch('s-1', many('s', 3), 'noStream')
  await server.read({ prefixes: ['s-'], count: 200 })
  const [at, begin] = [names.positionOf('s-1@1'), names.positionOf('s-0@0')]
  const filter = { regex: '^s-[1-9]', window: 32 }
  async function take(question: string, reading: Reading): Promise<void> {
    const subscription = server.subscribe(reading)
    say(question, await subscription.take(count(question)))
    subscription.stop()
  }
  await take('from the position of s-1@1', { ...filter, from: at })
  await take('without a filter, from the position of s-1@1', { from: at })
  await take('from the end', { ...filter, from: 'end' })
  await take('from 2^64-1', { ...filter, from: 2n ** 64n - 1n })
  await take('from one byte after s-1@1', { ...filter, from: at + 1n })
  const ahead = server.subscribe({ ...filter, from: at + FAR })
  const live = server.subscribe({ ...filter, from: 'end' })
  const none = server.subscribe({ regex: '^(nobody(-|$))', window: 32, from: begin })
  const hear = async (question: string, subscription: typeof live): Promise<void> =>
    say(question, await subscription.take(count(question)))
  await hear('from a place past the end', ahead)
  await hear('live, from the end', live)
  await hear('a filter that nothing passes', none)
  await server.batch('s-2', ['late'], 'noStream')
  await hear('past the end, after an append to s-2', ahead)
  await hear('live', live)
  await server.batch('v-1', many('v', 100), 'noStream')
  await hear('live, after 100 others', live)
  await hear('nothing passes, after 101 others', none)
  await server.remove('s-1', 'any')
  await hear('live, after s-1 was deleted', live)
  await take('from s-0@0, after that', { ...filter, from: begin })
  for (const subscription of [ahead, live, none]) subscription.stop()
}

/** The scenarios in the order in which the real server was asked, on a new database. */
export const SCENARIOS: Readonly<Record<string, (asking: Asking) => Promise<void>>> = {
  'new database: subscriptions': newDatabase,
  'appends: what is expected': (asking) => inTurn(asking, expectations),
  'appends: what cannot be': (asking) => inTurn(asking, impossible),
  'deleted streams': deleted,
  'streams that forget': forgetful,
  'reads of a stream': ofStreams,
  'reads of the whole log': ofTheLog,
  'subscriptions to the whole log': subscriptions,
  features: (asking) => inTurn(asking, [['server features', (s) => s.features()]]),
}

/** Puts all questions, and answers what was answered, by the names of positions. */
export async function askAll(server: Asked, names: Names, kept: Answers): Promise<Answers> {
  const answers: Answers = {}
  for (const [scenario, ask] of Object.entries(SCENARIOS)) {
    const own: Record<string, unknown> = {}
    answers[scenario] = own
    await ask({
      server,
      names,
      say: (question, answer) => void (own[unusedIn(own, question)] = answer),
      count: (question) => lengthOf(kept[scenario]?.[unusedIn(own, question)]),
    })
  }
  // What was not read so far, and is named: all but the five thousand in a row, and the last of those.
  await server.read({ regex: '^(?!q-5$)', count: 50_000 })
  await server.read({ stream: 'q-5', backwards: true, count: 1 })
  return names.named(answers) as Answers
}

/** A question that is put again has a number. */
function unusedIn(answers: Readonly<Record<string, unknown>>, question: string): string {
  for (let turn = 1; ; turn += 1) {
    const name = turn === 1 ? question : `${question} (${turn})`
    if (!(name in answers)) return name
  }
}

/** What a follower is asked, by calls that require the leader and by others. */
export async function askFollower(
  asked: (requiresLeader: boolean) => Asked,
  leader: Asked,
  names: Names,
  kept: Answers,
): Promise<Answers> {
  const own: Record<string, unknown> = {}
  await leader.batch('f-1', ['f1'], 'noStream')
  await leader.read({ stream: 'f-1' })
  const filter = { regex: '^(f(-|$))', window: 32 }
  const above = names.positionOf('f-1@0') + FAR
  for (const flag of [true, false]) {
    const server = asked(flag)
    const say = (question: string, answer: unknown): void => void (own[`requires-leader ${flag}: ${question}`] = answer)
    say('read a stream', await server.read({ stream: 'f-1' }))
    say('read the log', await server.read({ prefixes: ['f-'] }))
    for (const [question, reading] of [
      ['subscribe', filter],
      ['subscribe from the end', { ...filter, from: 'end' as const }],
      ['subscribe above what the node has', { ...filter, from: above }],
    ] as const) {
      const subscription = server.subscribe(reading)
      const count = lengthOf(kept['asked of a follower']?.[`requires-leader ${flag}: ${question}`])
      say(question, await subscription.take(count))
      subscription.stop()
    }
    say('BatchAppend', await server.batch('f-2', [`f2${flag}`], 'any'))
    say('Append', await server.append('f-3', [`f3${flag}`], 'any'))
    say('delete', await server.remove('f-1', 'any'))
    server.close()
  }
  return { 'asked of a follower': names.named(own) as Record<string, unknown> }
}
