import { generateKeyPairSync } from 'node:crypto'
import { createVerifier } from '@ledgate/verifier'
import { httpRevocations } from '@ledgate/verifier/http'
import { expect, it, onTestFinished, vi } from 'vitest'
import { newInstallation, startServer } from '../src/server.ts'
import { READY_MS } from '../src/witnesses.ts'
import { ANN, ORDERS, ORDERS_SECRET, WEB, WORLD } from '../src/world.ts'

const VAULT = 'https://vault.example/'
const VAULT_SECRET = 'vault-secret-5b7c1de09a'

/** As many rights as one person may have: 3,072 bytes together as JSON. */
const rights = Array.from({ length: 29 }, (_, n) => String(n).padEnd(100, 'r'))
const scopes = (owner: string) => Array.from({ length: 100 }, (_, n) => `${owner}:${n}`.padEnd(36, 's'))

/** One resource server that reads its tokens as they are, and one whose tokens are encrypted by the longest key of RSA in use. */
function world() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 4_096 })
  const alg = 'RSA-OAEP-256'
  const kid = 'k'.repeat(255)
  const [orders] = WORLD.resources
  const [web] = WORLD.clients
  const vault = {
    client_id: 'vault',
    client_secret: VAULT_SECRET,
    resource: VAULT,
    scopes_supported: scopes('vault'),
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'enc' }] },
    access_token_encrypted_response_alg: alg,
  }
  const scope = [...scopes('orders'), ...scopes('vault')].join(' ')
  return {
    decryptionKey: { ...privateKey.export({ format: 'jwk' }), kid, alg },
    bootstrap: {
      resources: [{ ...orders, scopes_supported: scopes('orders') }, vault],
      clients: [{ ...web, scope }],
      users: [{ ...ANN, roles: rights.slice(0, 15), entitlements: rights.slice(15) }],
    },
  }
}

it('the largest token that is issued is shown in a header, verified, introspected and taken back, encrypted or not', async () => {
  const { bootstrap, decryptionKey } = world()
  const installation = await newInstallation(bootstrap)
  const server = await startServer(installation)
  const issue = (scope: readonly string[]) =>
    server.token({ grant_type: 'password', username: ANN.email, password: ANN.password, scope: scope.join(' ') })

  /** The token with as many scopes as fit, found by halves. */
  async function largest(owner: string): Promise<string> {
    const all = scopes(owner)
    let [fits, isTooMuch, token] = [0, all.length + 1, '']
    while (isTooMuch - fits > 1) {
      const count = Math.floor((fits + isTooMuch) / 2)
      const { status, body } = await issue(all.slice(0, count))
      if (status === 200) [fits, token] = [count, String(body['access_token'])]
      else {
        expect(body['error']).toBe('invalid_scope')
        isTooMuch = count
      }
    }
    expect(fits).toBeGreaterThan(0)
    return token
  }

  for (const [owner, audience, keys, clientSecret] of [
    ['orders', ORDERS, [], ORDERS_SECRET],
    ['vault', VAULT, [decryptionKey], VAULT_SECRET],
  ] as const) {
    const token = await largest(owner)
    expect(token.length).toBeGreaterThan(9_000)
    expect(token.length).toBeLessThanOrEqual(12_288)
    const verifier = createVerifier({
      issuer: installation.url,
      audience,
      revocations: httpRevocations({ issuer: installation.url, clientId: owner, clientSecret }),
      ...(keys.length > 0 && { decryptionKeys: keys }),
    })
    onTestFinished(() => verifier.close())
    await verifier.start({ timeoutMs: READY_MS })
    expect((await verifier.verify(token)).sub).toMatch(/^u_/)
    const shown = await server.get('/accounts/me', { authorization: `Bearer ${token}` })
    expect([401, 403], owner).toContain(shown.status) // it was read, and is for another resource
    // We cannot read an encrypted one ourselves.
    const isActive = keys.length === 0
    expect(await server.introspect(token)).toMatchObject({ active: isActive })
    expect((await server.revoke(token, WEB)).status).toBe(200)
    expect(await server.introspect(token)).toEqual({ active: false })
    await vi.waitFor(() => expect(verifier.verify(token)).rejects.toMatchObject({ status: 401 }))
  }
})
