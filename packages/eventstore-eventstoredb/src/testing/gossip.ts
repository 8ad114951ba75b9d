import gossipMessages from '@eventstore/db-client/generated/gossip_pb.js'
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import type { Role } from './member.ts'
import type { Endpoint } from './serving.ts'

const { ClusterInfo, EndPoint, MemberInfo } = gossipMessages

export interface Gossiped extends Endpoint {
  readonly role: Role
  /** The same for as long as it is there. */
  readonly instance: string
}

const STATES: Readonly<Record<Role, number>> = {
  leader: MemberInfo.VNodeState.LEADER,
  preLeader: MemberInfo.VNodeState.PRELEADER,
  follower: MemberInfo.VNodeState.FOLLOWER,
  unknown: MemberInfo.VNodeState.UNKNOWN,
  down: MemberInfo.VNodeState.UNKNOWN,
}

/** Who is in the cluster, as one node sees it (Gossip.Read.cs). */
export const clusterInfo = (members: readonly Gossiped[]) =>
  new ClusterInfo().setMembersList(
    members.map(({ host, port, role, instance }) =>
      new MemberInfo()
        .setInstanceId(new sharedMessages.UUID().setString(instance))
        .setTimeStamp('0')
        .setState(STATES[role])
        .setIsAlive(role !== 'down')
        .setHttpEndPoint(new EndPoint().setAddress(host).setPort(port)),
    ),
  )
