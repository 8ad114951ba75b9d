/** The settings of a server that keeps its log in EventStoreDB; all replicas of one installation have the same. */
export const clustered = (url: string): Readonly<Record<string, string>> => ({
  LEDGATE_EVENTSTOREDB_URL: url,
  LEDGATE_MASTER_KEY: Buffer.alloc(32, 'bench').toString('base64url'),
})
