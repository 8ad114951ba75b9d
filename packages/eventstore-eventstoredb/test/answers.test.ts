import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openProtocolCluster, type ProtocolCluster } from '../src/testing/index.ts'
import { ask } from './answers/asking.ts'
import { names } from './answers/naming.ts'
import { type Answers, askAll, askFollower } from './answers/questions.ts'

/** What a real server 24.2.0 answered: on a new database without users, and as a follower of a cluster of three. */
const keptIn = (file: string): Answers =>
  JSON.parse(readFileSync(new URL(`answers/${file}.json`, import.meta.url), 'utf8')) as Answers
const ALONE = keptIn('24.2.0')
const FOLLOWING = keptIn('24.2.0-follower')

/** Questions that the test server answers otherwise, each with the reason why no test is deceived by it. */
const DIFFERENCES: Readonly<Record<string, string>> = {}

const questionsOf = (kept: Answers) =>
  Object.entries(kept).flatMap(([scenario, answers]) =>
    Object.keys(answers).map((question) => [scenario, question] as const),
  )

function compare(kept: Answers, given: () => Answers): void {
  test.each(questionsOf(kept))('%s: %s', (scenario, question) => {
    const [answer, real] = [given()[scenario]?.[question], kept[scenario]?.[question]]
    if (`${scenario}: ${question}` in DIFFERENCES) expect(answer).not.toEqual(real)
    else expect(answer).toEqual(real)
  })
}

describe('the test server answers like a recorded real server', () => {
  let cluster: ProtocolCluster
  let answers: Answers
  beforeAll(async () => {
    cluster = await openProtocolCluster()
    const known = names()
    const server = ask(new URL(cluster.url).host, known)
    answers = await askAll(server, known, ALONE)
    server.close()
  })
  afterAll(() => cluster.close())
  compare(ALONE, () => answers)
})

describe('a follower in a cluster of three answers like a recorded real one', () => {
  let cluster: ProtocolCluster
  let answers: Answers
  beforeAll(async () => {
    cluster = await openProtocolCluster({ nodes: 3 })
    const known = names()
    const [first, second] = cluster.nodes.map(({ port }) => port)
    const leader = ask(`127.0.0.1:${first}`, known)
    const given = await askFollower((flag) => ask(`127.0.0.1:${second}`, known, flag), leader, known, FOLLOWING)
    answers = JSON.parse(JSON.stringify(given).replaceAll(`"${first}"`, '"LEADER"')) as Answers
    leader.close()
  })
  afterAll(() => cluster.close())
  compare(FOLLOWING, () => answers)
})

test('there are 151 questions', () => {
  expect(questionsOf(ALONE).length + questionsOf(FOLLOWING).length).toBe(151)
})
