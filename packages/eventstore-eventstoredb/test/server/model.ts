import { type Cluster, cluster } from '../../src/testing/cluster.ts'
import { ANY } from '../../src/testing/commit-check.ts'
import { limitsOf } from '../../src/testing/limits.ts'
import type { Member } from '../../src/testing/member.ts'
import type { Answer } from '../../src/testing/pending-answers.ts'
import type { ProposedEvent, StoredEvent } from '../../src/testing/stored-event.ts'
import { type ManualTimers, manualTimers } from './manual-timers.ts'

export const LIMITS = limitsOf()

export interface Model {
  readonly cluster: Cluster
  readonly timers: ManualTimers
  /** Those whose process has ended by itself, since somebody looked. */
  readonly ended: Member[]
  node(index: number): Member
}

/** Nodes without a network, whose time passes when a test says so, and that nobody starts again. */
export function model(nodes = 3, options: { readonly commitMs?: number } = {}): Model {
  const timers = manualTimers()
  const ended: Member[] = []
  const made = cluster({
    nodes,
    limits: LIMITS,
    timers,
    judges: true,
    commitMs: options.commitMs ?? 0,
    end(member) {
      ended.push(member)
      made.ended(member)
    },
  })
  return {
    cluster: made,
    timers,
    ended,
    node(index) {
      const found = made.members[index]
      if (found === undefined) throw new Error(`no node ${index}`)
      return found
    },
  }
}

export const event = (id = crypto.randomUUID()): ProposedEvent => ({
  id,
  type: 'T',
  contentType: 'application/json',
  data: Buffer.from('{}'),
  metadata: new Uint8Array(),
})

/** An append, and what was answered so far. */
export interface Asked {
  readonly id: string
  answer: Answer | undefined
}

export function append(made: Model, at: Member, stream: string, expected = ANY, events = [event()]): Asked {
  const asked: Asked = { id: events[0]?.id ?? '', answer: undefined }
  made.cluster.append(at, { stream, events, expected }, (answer) => void (asked.answer = answer))
  return asked
}

/** Events that readers of a node see in the whole log. */
export const visible = ({ log, committed, gone }: Member): readonly StoredEvent[] =>
  log.records.slice(0, committed).flatMap(({ event: found }) => (found && !gone.has(found) ? found : []))

export const idsOf = (member: Member, prefix = ''): readonly string[] =>
  visible(member).flatMap(({ id, stream }) => (stream.startsWith(prefix) && !stream.startsWith('$') ? id : []))
