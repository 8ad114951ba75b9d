import { type ServiceError, status } from '@grpc/grpc-js'
import type { Cluster } from './cluster.ts'
import type { Fault, FaultSource } from './faults.ts'
import { isLeading, type Member } from './member.ts'
import { assertAllowed, type Called, type Users, type Wanted } from './users.ts'
import { NOT_READY, rpcError } from './wire.ts'

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** A node as its services see it. */
export interface Serving {
  readonly member: Member
  readonly cluster: Cluster
  readonly faults: FaultSource
  /** Who may sign in; a server without users asks nobody. */
  readonly users: Users | undefined
  /** Whether its subscriptions call 2^64-1 a checkpoint (up to 24.10.4). */
  readonly hasFalseCheckpoint: boolean
  endpoint(member: Member): Endpoint | undefined
  /** Breaks every connection to this node. */
  cut(): void
  /** Ends when the node does. */
  readonly signal: AbortSignal
}

export const wantsLeader = (call: {
  readonly metadata: { get(name: string): readonly (string | Buffer)[] }
}): boolean => call.metadata.get('requires-leader')[0] === 'true'

export const notReady = (): ServiceError => rpcError(status.UNAVAILABLE, NOT_READY)

/** That another node leads, or that none does (RpcExceptions.cs, TryHandleNotHandled). */
function notLeader(serving: Serving): ServiceError {
  const leader = serving.member.leader && serving.endpoint(serving.member.leader)
  if (leader === undefined) return notReady()
  return rpcError(status.NOT_FOUND, 'Leader info available', {
    exception: 'not-leader',
    'leader-endpoint-host': leader.host,
    'leader-endpoint-port': String(leader.port),
  })
}

/** Why a call is refused to whoever makes it. */
export function callerRefusal({ users, member }: Serving, call: Called, wanted: Wanted): ServiceError | undefined {
  try {
    assertAllowed(users, member, call, wanted)
    return undefined
  } catch (error) {
    return error as ServiceError
  }
}

/** Why a call goes wrong because it was told to. */
export function faultError(serving: Serving, fault: Fault | undefined): ServiceError | undefined {
  if (fault?.kind === 'notReady') return notReady()
  if (fault?.kind === 'denied')
    return rpcError(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' })
  if (fault?.kind === 'timeout') return rpcError(status.ABORTED, 'Operation timed out: prepare')
  if (fault?.kind === 'noLeader') return rpcError(status.UNKNOWN, 'No leader info available in response')
  if (fault?.kind === 'notLeader') return notLeader(serving)
  return undefined
}

/**
 * Why a node does not read: it does not lead, and the reader wants the leader. One that was elected and is not ready for
 * appends reads already (ClusterVNodeController.cs:318-322).
 */
export const readRefusal = (serving: Serving, requiresLeader: boolean): ServiceError | undefined =>
  requiresLeader && !isLeading(serving.member) ? notLeader(serving) : undefined

/**
 * Which node writes: the one that leads, or for a caller who does not ask for it the one that it leads to
 * (ClusterVNodeController.cs, HandleAsNonLeader and ForwardRequest); the reason when there is none.
 */
export function writerFor(serving: Serving, requiresLeader: boolean): Member | ServiceError {
  const { member } = serving
  if (member.role === 'leader') return member
  if (member.role !== 'follower' || member.leader === undefined) return notReady()
  return requiresLeader ? notLeader(serving) : member.leader
}

export const isError = (found: Member | ServiceError): found is ServiceError => found instanceof Error
