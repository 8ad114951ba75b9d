import { convertToCommandError } from '@eventstore/db-client'
import gossipServices from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import type { Connection } from './connection.ts'
import { readFailure } from './failure.ts'
import { serviceOf } from './inside.ts'

/** `host:port` of each node of the cluster, as the node that is asked sees it; those that it believes dead, too. */
export async function membersSeenBy(connection: Connection): Promise<readonly string[]> {
  try {
    return await connection.call(async (client) => {
      const { service, call, failed } = await serviceOf(client, gossipServices.GossipClient, 'gossip')
      const [metadata, options] = call({ deadline: Date.now() + connection.attemptMs })
      return new Promise((resolve, reject) => {
        service.read(new sharedMessages.Empty(), metadata, options, (error, info) => {
          if (error) {
            failed(error)
            return reject(convertToCommandError(error))
          }
          const endpoints = info.getMembersList().map((member) => member.getHttpEndPoint())
          resolve(endpoints.flatMap((each) => (each ? `${each.getAddress()}:${each.getPort()}` : [])))
        })
      })
    })
  } catch (error) {
    throw readFailure(error)
  }
}
