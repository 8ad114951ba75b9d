import { type Decision, decisionUnderWay, Unavailable } from '@ledgate/eventsourcing'
import type { Appended } from './append-call.ts'
import type { Connection } from './connection.ts'
import type { NodeLink } from './node-link.ts'

/** What a node said that took itself for the leader. */
export interface Answer<Value> {
  readonly value: Value
  readonly link: NodeLink
  /** How many appends had been sent on the link before it was asked for. */
  readonly asked: number
}

/** What a decision depends on: the one node that answered all its reads. */
export interface Dependence {
  readonly link: NodeLink
  /** How many appends had been sent on the link before the last read of the decision was asked for. */
  asked: number
  /** Up to where the appends of the decision itself are the proof. */
  proved: number
  /** The appends of the decision, by the id of their first event. */
  readonly appends: Map<string, Promise<Appended>>
}

const dependences = new WeakMap<Decision, Map<Connection, Dependence>>()

/** `undefined` as long as nothing was read in the decision. */
export const dependenceOf = (decision: Decision, connection: Connection): Dependence | undefined =>
  dependences.get(decision)?.get(connection)

/**
 * Where there is no other node, nothing depends on which of them answered.
 *
 * @throws {DecideAgain} when another node answered what the decision read before.
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

/** How often something is asked for again because the node that answered may not have led. */
const MAX_TRIES = 8

/**
 * What a node said, once it is proved that it led; in a decision the proof is left to its end.
 *
 * @param needsProof whether it matters; it does unless told.
 * @throws {DecideAgain} when the decision depends on another node.
 * @throws {Unavailable} when whoever answered did not lead, again and again.
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
  throw new Unavailable('whoever leads EventStoreDB changed too often')
}
