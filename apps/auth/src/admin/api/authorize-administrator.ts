import { AccessDenied } from '@ledgate/oauth'
import type { FastifyRequest } from 'fastify'
import { readUser } from '../../user/index.ts'
import type { Administrators } from '../administrators/index.ts'
import { type Bearer, type BearerDependencies, presentedToken } from '../../introspection/index.ts'
import { audienceOf } from '../vocabulary/index.ts'

export interface AdministratorDependencies extends BearerDependencies {
  readonly administrators: Pick<Administrators, 'includes'>
}

/** Who administers, by which client. */
export interface Administrator {
  readonly sub: string
  readonly clientId: string
  /** Their data key: where their calls come from is sealed under it. */
  readonly dataKey: string
  readonly bearer: Bearer
}

/**
 * The administrator behind a request. Whether the user may administer is looked up each time the right is asked for, like
 * the token: whoever was disabled or demoted a moment ago is out.
 *
 * @throws {InvalidToken | InsufficientScope | AccessDenied}
 */
export async function authorize(
  dependencies: AdministratorDependencies,
  request: FastifyRequest,
  scope: string,
): Promise<Administrator> {
  const { log, issuer, administrators } = dependencies
  const purpose = { audience: audienceOf(issuer), scope }
  const bearer = await presentedToken(dependencies, request, purpose, async ({ sub }) => {
    if (!(await administrators.includes(String(sub)))) throw new AccessDenied(`${String(sub)} is not an administrator`)
  })
  const [sub, clientId] = [String(bearer.members['sub']), String(bearer.members['client_id'])]
  const person = await readUser(log, sub)
  if (person === undefined) throw new AccessDenied(`${sub} is not an administrator`)
  return { sub, clientId, dataKey: person.state.data_key, bearer }
}
