/** What a token leaves in the log: about 350 bytes of data and metadata, the same for both writers. */
export const DATA = {
  jti: 'b7f0c1de-5a86-4f1e-9a55-0d3f6a1c2e47',
  client_id: 'bench-service',
  sub: 'bench-service',
  scope: 'bench:read',
  aud: ['https://api.bench.example'],
  expires_at: 1_790_000_000,
  client_epoch: 0,
}

export const METADATA = {
  $correlationId: '5b1f0a4e-3f0d-4c39-8a1e-2f7d9c6b8e10',
  actor: 'bench-service',
  schema: 1,
  source: 'Zm9vYmFyYmF6cXV4',
}
