import 'reflect-metadata'
import type { ExecutionContext } from '@nestjs/common'
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { VerifierError } from '../../src/error/verifier-error.ts'
import { nestAuth } from '../../src/nest/index.ts'
import { principalOf } from '../../src/request/index.ts'
import { stubVerifier } from './stub-verifier.ts'

const contextOf = (type: string, ...args: unknown[]): ExecutionContext => {
  const context = new ExecutionContextHost(args)
  context.setType(type)
  return context
}

/** A request of Node as GraphQL hands it on. */
function requestOf(authorization: string): IncomingMessage {
  const request = Object.assign(new IncomingMessage(new Socket()), {
    method: 'POST',
    url: '/graphql',
    protocol: 'http',
  })
  request.rawHeaders.push('authorization', authorization)
  return Object.assign(request, { originalUrl: '/graphql', params: {} })
}

describe('a guard of Nest, outside of HTTP', () => {
  it('refuses everything, and reports why', async () => {
    const refused: VerifierError[] = []
    const guard = nestAuth(stubVerifier().verifier, { onRefused: (error) => refused.push(error) }).require()
    const odd = [
      contextOf('ws', {}, { event: 'order' }),
      contextOf('rpc', { order: 1 }, undefined),
      contextOf('graphql', undefined, {}, { req: { headers: {} } }, {}),
      contextOf('graphql', undefined, {}, undefined),
      contextOf('cron'),
    ]
    for (const context of odd) expect(await guard.canActivate(context)).toBe(false)
    expect(refused.map(({ code, detail }) => [code, detail])).toEqual(
      odd.map(() => ['missing_token', 'not an HTTP request']),
    )
  })

  it('guards a resolver of GraphQL by the request in its context', async () => {
    const guard = nestAuth(stubVerifier().verifier).require()
    const good = requestOf('Bearer good')
    expect(await guard.canActivate(contextOf('graphql', undefined, {}, { req: good }, {}))).toBe(true)
    expect(principalOf(good).sub).toBe('u_1')
    const bad = contextOf('graphql', undefined, {}, { req: requestOf('Bearer token_revoked') }, {})
    await expect(guard.canActivate(bad)).rejects.toMatchObject({ status: 401 })
  })
})
