import { users } from '../user/index.ts'
import { audit } from '../audit/index.ts'
import { clients } from '../client/index.ts'
import { grants } from '../grant/index.ts'
import { revocations } from '../revocation-feed/index.ts'
import { resources } from '../resource/index.ts'
import { sessions } from '../session/index.ts'

/** Every read model of the server. */
export const projections = [users, clients, resources, sessions, grants, audit, revocations] as const

/** What a read model is called, in queries, health and metrics. */
export type ViewName = (typeof projections)[number]['name']
