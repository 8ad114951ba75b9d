import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { importJWK, type JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { contiguity } from '../src/follower/contiguity.ts'
import { type FeedStatement, type FindKey, InvalidStatement, openStatements } from '../src/statement/index.ts'
import { revocationIndex, type RevocationIndex, type TokenFacts } from '../src/revocation-index/index.ts'

interface Vectors {
  readonly issuer: string
  readonly now: number
  readonly jwks: { readonly keys: readonly JWK[] }
  readonly statements: readonly {
    readonly name: string
    readonly jws: string
    readonly says?: FeedStatement
    readonly refused?: string
  }[]
  readonly streams: readonly {
    readonly name: string
    readonly jws: readonly string[]
    readonly confirms: readonly boolean[]
  }[]
  readonly tokens: readonly {
    readonly name: string
    readonly token: Omit<TokenFacts, 'isOffline'> & { readonly scope: string }
    readonly endedBy: string | null
  }[]
}

const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'src', 'vectors.json'), 'utf8')) as Vectors

const keyFor: FindKey = async (kid) => {
  const jwk = vectors.jwks.keys.find((key) => key.kid === kid)
  if (jwk === undefined) return undefined
  const key = await importJWK(jwk)
  if (key instanceof Uint8Array) throw new TypeError('a key set has public keys only')
  return key
}
const { open } = openStatements({ issuer: vectors.issuer, keyFor })

const outcome = (jws: string) =>
  open(jws).then(
    (says) => ({ says }),
    (error: unknown) => ({ refused: error instanceof InvalidStatement ? error.reason : String(error) }),
  )

function take(index: RevocationIndex, says: FeedStatement | undefined): void {
  if (says?.kind === 'notice') index.apply(says.ended)
  if (says?.kind === 'chunk') for (const ended of says.ended) index.apply(ended)
}

describe('a statement of the vectors', () => {
  it.each(vectors.statements)('$name', async ({ jws, says, refused }) => {
    expect(await outcome(jws)).toEqual(says === undefined ? { refused } : { says })
  })
})

describe('a stream of the vectors', () => {
  it.each(vectors.streams)('$name', async ({ jws, confirms }) => {
    const chain = contiguity()
    const said: boolean[] = []
    for (const statement of await Promise.all(jws.map((each) => open(each)))) {
      if (statement.kind === 'notice') chain.notice(statement)
      if (statement.kind === 'heartbeat') said.push(chain.heartbeat(statement))
      if (statement.kind === 'chunk') {
        chain.whole(statement.through)
        said.push(true)
      }
    }
    expect(said).toEqual(confirms)
  })
})

describe('a token of the vectors, after all statements', () => {
  const index = revocationIndex({ now: () => vectors.now * 1000 })
  for (const { says } of vectors.statements) take(index, says)

  it.each(vectors.tokens)('$name', ({ token: { scope, ...token }, endedBy }) => {
    const facts = { ...token, isOffline: scope.split(' ').includes('offline_access') }
    expect(index.endedBy(facts) ?? null).toBe(endedBy)
  })
})
