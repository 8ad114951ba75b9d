import { type Decision, decisionUnderWay, Unavailable } from '@ledgate/eventsourcing'
import type { Appended } from './append-call.ts'
import type { Connection } from './connection.ts'
import type { NodeLink } from './node-link.ts'

/** The answer of a node that considered itself the leader. */
export interface Answer<Value> {
  readonly value: Value
  readonly link: NodeLink
  /** How many appends had been sent on the link before the request. */
  readonly asked: number
}

/** What a decision depends on: the one node that answered all its reads. */
export interface Dependence {
  readonly link: NodeLink
  /** How many appends had been sent on the link before the last read of the decision. */
  asked: number
  /** Reads up to this number of sent appends are proved by the appends of the decision itself. */
  proved: number
  /** The appends of the decision, by the id of their first event. */
  readonly appends: Map<string, Promise<Appended>>
}

const dependences = new WeakMap<Decision, Map<Connection, Dependence>>()

/** `undefined` before the first read of the decision. */
export const dependenceOf = (decision: Decision, connection: Connection): Dependence | undefined =>
  dependences.get(decision)?.get(connection)

/**
 * Notes that the decision depends on the node that answered; not needed when there is no other node.
 *
 * @throws {DecideAgain} when a different node answered an earlier read of the decision.
 */
export function dependOn(
  decision: Decision,
  connection: Connection,
  { link, asked }: Omit<Answer<unknown>, 'value'>,
): void {
  if (link.isAlone) return
  const known = dependenceOf(decision, connection)
  if (known !== undefined) {
    if (known.link !== link) decision.restart()
    known.asked = Math.max(known.asked, asked)
    return
  }
  const dependence: Dependence = { link, asked, proved: -1, appends: new Map() }
  const ofDecision = dependences.get(decision) ?? new Map<Connection, Dependence>()
  dependences.set(decision, ofDecision.set(connection, dependence))
  decision.dependsOn(async () => dependence.proved >= dependence.asked || link.confirms(dependence.asked))
}

/** How often a read is repeated because the node that answered may not have led. */
const MAX_TRIES = 8

/**
 * Returns the answer of a node once it is proved that the node led; in a decision the proof follows at the end.
 *
 * @param needsProof whether the answer needs a proof; default: it does.
 * @throws {DecideAgain} when the decision depends on a different node.
 * @throws {Unavailable} when no node that answered could be proved to lead, after several attempts.
 */
export async function proved<Value>(
  connection: Connection,
  ask: () => Promise<Answer<Value>>,
  needsProof: (value: Value) => boolean = () => true,
): Promise<Value> {
  const decision = decisionUnderWay()
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const answer = await ask()
    if (!needsProof(answer.value)) return answer.value
    if (decision?.isOpen()) {
      dependOn(decision, connection, answer)
      return answer.value
    }
    if (await answer.link.confirms(answer.asked)) return answer.value
  }
  throw new Unavailable('the leader of EventStoreDB changed too often')
}
