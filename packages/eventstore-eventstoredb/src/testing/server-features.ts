import featureMessages from '@eventstore/db-client/generated/serverfeatures_pb.js'

const { SupportedMethod, SupportedMethods } = featureMessages

const METHODS: readonly (readonly [service: string, method: string, ...features: string[]])[] = [
  ['gossip.gossip', 'read'],
  ['server_features.serverfeatures', 'getsupportedmethods'],
  ['streams.streams', 'append'],
  ['streams.streams', 'batchappend', 'deadline_duration'],
  ['streams.streams', 'delete'],
  ['streams.streams', 'read', 'position', 'events'],
  ['streams.streams', 'tombstone'],
]

/** What of the protocol there is (ServerFeatures.cs); the client asks before some of its commands. */
export const supportedMethods = (version: string) =>
  new SupportedMethods()
    .setEventStoreServerVersion(version)
    .setMethodsList(
      METHODS.map(([service, method, ...features]) =>
        new SupportedMethod()
          .setServiceName(`event_store.client.${service}`)
          .setMethodName(method)
          .setFeaturesList(features),
      ),
    )

/** Whether subscriptions of a version call 2^64-1 a checkpoint: 24.2.0 to 24.10.4 (release notes of 24.10.5). */
export function hasFalseCheckpoint(version: string): boolean {
  const [year = 0, month = 0, patch = 0] = version.split('.').map(Number)
  return year === 24 && (month < 10 || (month === 10 && patch <= 4))
}
