import usersServices from '@eventstore/db-client/generated/users_grpc_pb.js'
import usersMessages, { type CreateReq, type CreateResp } from '@eventstore/db-client/generated/users_pb.js'
import { type sendUnaryData, type ServerUnaryCall, type ServiceError, status } from '@grpc/grpc-js'
import type { Member } from './member.ts'
import { streamMetadata } from './stream-metadata.ts'
import { rpcError } from './wire.ts'

/** Who may sign in, by name; a server without users (`--insecure`) asks nobody. */
export type Users = Map<string, User>

export interface User {
  readonly password: string
  readonly groups: readonly string[]
}

/** What a call wants to do with a stream. */
export interface Wanted {
  readonly stream: string
  readonly right: 'read' | 'write'
}

const ADMINISTRATORS = '$admins'
const NAME_OF_ALL = '$all'

export interface Called {
  readonly metadata: { get(name: string): readonly (string | Buffer)[] }
}

/** What a user who is none is told (AuthenticationMiddleware.cs, HandleAsGrpcAsync). */
const unauthenticated = (): ServiceError => rpcError(status.UNAUTHENTICATED, 'Unauthenticated')
/** RpcExceptions.cs, AccessDenied. */
const denied = (): ServiceError => rpcError(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' })

const BASIC = /^Basic (.+)$/

/** Who calls; nobody when no user is said. @throws {ServiceError} when the password is not the user's. */
function callerOf(users: Users, { metadata }: Called): { readonly name: string; readonly user: User } | undefined {
  const [, encoded] = BASIC.exec(String(metadata.get('authorization')[0] ?? '')) ?? []
  if (encoded === undefined) return undefined
  const [name = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':')
  const user = users.get(name)
  if (user === undefined || user.password !== rest.join(':')) throw unauthenticated()
  return { name, user }
}

/** Whether a list of an access control list names somebody (SystemSettings.cs, StreamAcl.cs). */
const isNamed = (list: unknown, names: readonly string[]): boolean =>
  [list].flat().some((each) => typeof each === 'string' && names.includes(each))

/**
 * Whether a call may be done: administrators may do everything, everybody else reads and writes the streams that are not the
 * system's (StreamPermissionAssertion.cs, LegacyPolicySelectorFactory.cs). Who reads the whole log needs the right to `$all`.
 *
 * @throws {ServiceError}
 */
export function assertAllowed(
  users: Users | undefined,
  { log }: Member,
  call: Called,
  { stream, right }: Wanted,
): void {
  if (users === undefined) return
  const caller = callerOf(users, call)
  if (caller === undefined) throw denied() // AllowAnonymousStreamAccess is off from 23.10 on
  if (caller.user.groups.includes(ADMINISTRATORS)) return
  const names = [caller.name, ...caller.user.groups, NAME_OF_ALL]
  const acl = streamMetadata(stream, log.last(`$$${stream}`)).acl
  const list = acl[right === 'read' ? '$r' : '$w']
  const isSystem = stream.startsWith('$') && !/^\$\$[^$]/.test(stream)
  if (list === undefined ? isSystem : !isNamed(list, names)) throw denied()
}

/** `Users.Create` (Users.Create.cs): by an administrator. */
export const userService = (users: Users | undefined) => ({
  service: usersServices.UsersService,
  create(call: ServerUnaryCall<CreateReq, CreateResp>, callback: sendUnaryData<CreateResp>): void {
    try {
      const caller = users && callerOf(users, call)
      if (users && !caller?.user.groups.includes(ADMINISTRATORS)) throw denied()
      const options = call.request.getOptions()
      const name = options?.getLoginName() ?? ''
      if (users?.has(name))
        throw rpcError(status.ALREADY_EXISTS, 'User already exists.', {
          exception: 'user-conflict',
          'login-name': name,
        })
      users?.set(name, { password: options?.getPassword() ?? '', groups: options?.getGroupsList() ?? [] })
      callback(null, new usersMessages.CreateResp())
    } catch (error) {
      callback(error as ServiceError)
    }
  },
})
