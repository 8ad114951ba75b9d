import { describe, expect, it } from 'vitest'
import { authorize, guard, type Guard } from './guard.ts'
import { VerifierError } from '../error/verifier-error.ts'
import { principalFromClaims } from '../token/principal-from-claims.ts'
import type { Principal } from '../principal/principal.ts'
import type { RequestContext } from '../principal/request-context.ts'

const NOW = 1_700_000_000

const claims = {
  iss: 'https://issuer.example',
  sub: 'user-1',
  client_id: 'client-1',
  aud: 'https://api.example',
  iat: NOW,
  exp: NOW + 300,
  jti: 'jti-1',
  scope: 'orders:read orders:write',
  roles: ['clerk'],
  entitlements: ['order:7'],
  acr: 'gold',
  auth_time: NOW - 100,
}

const principal = (changes: object = {}): Principal => principalFromClaims({ ...claims, ...changes }, {}, 'kid')

function verdict(guard: Guard, who = principal(), context: RequestContext = { now: NOW }): string {
  try {
    authorize(who, guard, context)
    return 'allowed'
  } catch (error) {
    if (!(error instanceof VerifierError)) throw error
    const parameters = error.headers['WWW-Authenticate']?.replace(/^.*?error_description="[^"]*"/, '') ?? ''
    return `${error.status} ${error.code}${parameters}`
  }
}

const no: Guard = guard.satisfies(() => false)
const yes: Guard = guard.satisfies(() => true)

describe('a guard', () => {
  it.each<[string, Guard, string]>([
    ['all scopes, had', guard.scopes('orders:read', 'orders:write'), 'allowed'],
    [
      'all scopes, one lacking',
      guard.scopes('orders:read', 'admin'),
      '403 insufficient_scope, scope="orders:read admin"',
    ],
    ['a scope that only begins the same', guard.scopes('orders'), '403 insufficient_scope, scope="orders"'],
    ['any scope, had', guard.anyScope('admin', 'orders:read'), 'allowed'],
    ['any scope, none had', guard.anyScope('audit', 'admin'), '403 insufficient_scope, scope="audit"'],
    ['a role, had', guard.role('clerk'), 'allowed'],
    ['a role, lacking', guard.role('boss'), '403 access_denied'],
    ['an entitlement, had', guard.entitlement('order:7'), 'allowed'],
    ['an entitlement, lacking', guard.entitlement('order:8'), '403 access_denied'],
    ['acr, good and recent', guard.acr(['silver', 'gold'], 100), 'allowed'],
    ['acr, too weak', guard.acr('platinum'), '401 insufficient_user_authentication, acr_values="platinum"'],
    ['acr, too old', guard.acr('gold', 99), '401 insufficient_user_authentication, acr_values="gold", max_age="99"'],
    ['only how long ago', guard.acr([], 99), '401 insufficient_user_authentication, max_age="99"'],
    ['a predicate that holds', yes, 'allowed'],
    ['a predicate that does not', no, '403 access_denied'],
    ['all, the second refusing', guard.all(yes, guard.role('boss'), guard.scopes('admin')), '403 access_denied'],
    ['any, the second allowing', guard.any(no, yes), 'allowed'],
    ['any, none allowing', guard.any(guard.scopes('admin'), no), '403 insufficient_scope, scope="admin"'],
    ['guards within guards', guard.all(guard.any(no, guard.role('clerk')), guard.scopes('orders:read')), 'allowed'],
  ])('decides by what the token says: %s', (_, guard, expected) => {
    expect(verdict(guard)).toBe(expected)
  })

  it('can ask for the entitlement that the request is about', () => {
    const own = guard.entitlement(({ params }) => `order:${params?.id}`)
    expect(verdict(own, principal(), { params: { id: '7' } })).toBe('allowed')
    expect(verdict(own, principal(), { params: { id: '8' } })).toBe('403 access_denied')
    expect(verdict(own, principal(), {})).toBe('403 access_denied')
  })

  it('does not take for strong or recent what says neither how nor when', () => {
    const silent = principal({ acr: undefined, auth_time: undefined })
    expect(verdict(guard.acr('gold'), silent)).toMatch(/^401/)
    expect(verdict(guard.acr([], 1e9), silent)).toMatch(/^401/)
  })

  it('is not opened by a predicate that answers with a promise, or anything else than true', () => {
    for (const answer of [Promise.resolve(true), 1, 'yes', {}])
      expect(verdict(guard.satisfies(() => answer as never))).toBe('403 access_denied')
  })

  it('is not opened by a predicate that throws', () => {
    const broken = guard.satisfies(() => {
      throw new RangeError('broken')
    })
    expect(() => verdict(broken)).toThrow(RangeError)
  })

  it('asks nobody after one of several has allowed it', () => {
    const broken = guard.satisfies(() => {
      throw new RangeError('broken')
    })
    expect(verdict(guard.any(yes, broken))).toBe('allowed')
    expect(verdict(guard.all(no, broken))).toBe('403 access_denied')
  })

  it('cannot be made of nothing', () => {
    for (const make of [guard.scopes, guard.anyScope, guard.all, guard.any]) expect(() => make()).toThrow(TypeError)
  })
})

describe('who asks', () => {
  it('is a service when a client speaks for itself, else a person', () => {
    expect(principal().kind).toBe('user')
    expect(principal({ sub: 'client-1' }).kind).toBe('service')
  })
})
