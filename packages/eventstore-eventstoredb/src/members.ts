import { isIPv6 } from 'node:net'
import { convertToCommandError, type EventStoreDBClient } from '@eventstore/db-client'
import gossipServices from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import gossipMessages, { type ClusterInfo } from '@eventstore/db-client/generated/gossip_pb.js'
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import type { Connection } from './connection.ts'
import { adviceOn, readFailure } from './failure.ts'
import { serviceOf } from './client-internals.ts'

/** An address as it is written in a URL. */
const inUrl = (address: string): string => (isIPv6(address) ? `[${address}]` : address)

/** The gossip of a node about its cluster. @throws the client's errors. */
async function gossipOf(client: EventStoreDBClient, deadlineMs: number): Promise<ClusterInfo> {
  const { service, call, failed } = await serviceOf(client, gossipServices.GossipClient, 'gossip')
  const [metadata, options] = call({ deadline: Date.now() + deadlineMs })
  return new Promise((resolve, reject) => {
    service.read(new sharedMessages.Empty(), metadata, options, (error, info) => {
      if (!error) return resolve(info)
      failed(error)
      reject(convertToCommandError(error))
    })
  })
}

/** `host:port` of each node of the cluster, including those that it considers dead, as the asked node sees it. */
export async function membersSeenBy(connection: Connection): Promise<readonly string[]> {
  try {
    const info = await connection.call((client) => gossipOf(client, connection.attemptMs))
    const endpoints = info.getMembersList().map((member) => member.getHttpEndPoint())
    return endpoints.flatMap((each) => (each ? `${inUrl(each.getAddress())}:${each.getPort()}` : []))
  } catch (error) {
    throw readFailure(error)
  }
}

/**
 * Whether a node leads and knows of no other: in a cluster a node leads only when a majority follows it. A node without gossip is
 * treated as a node of a cluster.
 *
 * @throws the client's errors when the node cannot be asked.
 */
export async function isAlone(client: EventStoreDBClient, deadlineMs: number): Promise<boolean> {
  try {
    const members = (await gossipOf(client, deadlineMs)).getMembersList()
    return members.length === 1 && members[0]?.getState() === gossipMessages.MemberInfo.VNodeState.LEADER
  } catch (error) {
    if (adviceOn(error) !== 'none') throw error
    return false
  }
}
