import { convertToCommandError, type EventStoreDBClient } from '@eventstore/db-client'
import featureServices from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import { status } from '@grpc/grpc-js'
import { type ConnectionOptions, openConnection } from './connection.ts'
import { nodeUrl } from './connection-string.ts'
import { readFailure } from './failure.ts'
import { serviceOf } from './client-internals.ts'
import { membersSeenBy } from './members.ts'

/** The last version with an open source licence. Up to 23.10 a scavenged position hides the event after it. */
export const LEAST_VERSION = '24.2.0'

const numbersOf = (version: string): readonly number[] | undefined =>
  /^v?(\d+)\.(\d+)(?:\.(\d+))?/
    .exec(version)
    ?.slice(1)
    .map((part) => Number(part ?? 0))

/** Whether Ledgate supports a version; `false` for a text that is not a version. */
export function isSupported(version: string): boolean {
  const [numbers, least] = [numbersOf(version), numbersOf(LEAST_VERSION)]
  if (numbers === undefined || least === undefined) return false
  const differing = least.findIndex((part, index) => numbers[index] !== part)
  return differing < 0 || (numbers[differing] ?? 0) > (least[differing] ?? 0)
}

/** The version of the node that a client is connected to; `undefined` when it is too old to report it. */
async function versionOf(client: EventStoreDBClient, ms: number): Promise<string | undefined> {
  const { service, call, failed } = await serviceOf(client, featureServices.ServerFeaturesClient, 'features')
  const [metadata, options] = call({ deadline: Date.now() + ms })
  return new Promise((resolve, reject) => {
    service.getSupportedMethods(new sharedMessages.Empty(), metadata, options, (error, features) => {
      if (error?.code === status.UNIMPLEMENTED) return resolve(undefined)
      if (error === null) return resolve(features.getEventStoreServerVersion())
      failed(error)
      reject(convertToCommandError(error))
    })
  })
}

function assertSupported(node: string, version: string | undefined): void {
  if (version !== undefined && isSupported(version)) return
  const found = version === undefined ? 'does not say its version' : `is EventStoreDB ${version.slice(0, 40)}`
  throw new Error(
    `LEDGATE_EVENTSTOREDB_URL leads to a server that is too old: ${node} ${found}, ${LEAST_VERSION} or newer is needed`,
  )
}

/**
 * Asks every node of the cluster for its version; nodes that do not answer are skipped.
 *
 * @throws {Unavailable} when no node answers.
 * @throws {Error} when one is older than {@link LEAST_VERSION}; it names the node and the version.
 */
export async function assertSupportedServers(options: ConnectionOptions): Promise<void> {
  const connection = openConnection({ ...options, isAnyNode: true })
  const { attemptMs } = connection
  try {
    const version = await connection
      .call((client) => versionOf(client, attemptMs))
      .catch((error: unknown) => {
        throw readFailure(error)
      })
    assertSupported('the node that answers', version)
    await Promise.all((await membersSeenBy(connection)).map((host) => assertNode(host, options, attemptMs)))
  } finally {
    await connection.close()
  }
}

async function assertNode(host: string, options: ConnectionOptions, ms: number): Promise<void> {
  const node = openConnection({ ...options, url: nodeUrl(options.url, host), isAnyNode: true })
  try {
    const answer = await versionOf(node.client(), ms).then(
      (version) => ({ version }),
      () => undefined,
    )
    if (answer !== undefined) assertSupported(host, answer.version)
  } finally {
    await node.close()
  }
}
