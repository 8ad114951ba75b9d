import type { Scenario } from '../scenario.ts'
import { appends } from './appends.ts'
import { backup } from './backup.ts'
import { clientCredentials } from './client-credentials.ts'
import { coldStart } from './cold-start.ts'
import { eventStoreDB } from './eventstoredb.ts'
import { failures } from './failures.ts'
import { memory } from './memory.ts'
import { millionRevocations } from './million-revocations.ts'
import { mixed } from './mixed.ts'
import { newReplica } from './new-replica.ts'
import { password } from './password.ts'
import { refresh } from './refresh.ts'
import { replay } from './replay.ts'
import { revocation } from './revocation.ts'
import { signer } from './signer.ts'
import { timing } from './timing.ts'
import { verify } from './verify.ts'

/** In the order they run; the longest last. */
export const scenarios: readonly Scenario[] = [
  signer,
  appends,
  clientCredentials,
  ...eventStoreDB,
  refresh,
  password,
  mixed,
  timing,
  verify,
  revocation,
  millionRevocations,
  coldStart,
  replay,
  newReplica,
  backup,
  failures,
  memory,
]
