import { users } from '../account/projection.ts'
import { audit } from '../audit/projection.ts'
import { clients } from '../client/projection.ts'
import { grants } from '../grant/projection.ts'
import { revocations } from '../publication/projection.ts'
import { resources } from '../resource/projection.ts'
import { sessions } from '../session/projection.ts'

/** Every read model of the server. */
export const projections = [users, clients, resources, sessions, grants, audit, revocations] as const

export type ViewName = 'users' | 'clients' | 'resources' | 'sessions' | 'grants' | 'audit' | 'revocations'
