import { generateKeyPair, exportJWK, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { eventsOf } from '../src/log.ts'
import { ledgate, newInstallation, startServer } from '../src/server.ts'
import { formsOf, type Secret, secretBase64, secretText, storedIn, traces } from '../src/traces.ts'
import { ANN, BATCH_SECRET, ORDERS_SECRET, WEB_SECRET, WORLD } from '../src/world.ts'

const BOB = { email: 'bob@example.com', password: 'seven "grey" herons & a pélican' }
const CAROL = { email: 'carol@example.com', password: 'typed at a registration desk' }
const CHOSEN = 'chosen with the mailed link'
const WRONG = 'not the password of anybody'

/** Streams about one person: where a request came from is personal there. */
const PERSONAL = new Set(['user', 'email', 'login', 'session', 'grant', 'token', 'mail'])

/** Mail of development lies in the open by design, and so does the key that development makes. */
const isOpen = (name: string) => name.startsWith('mail/') || name === 'master.key' || name.endsWith('.sock')

/** A refresh token is as secret as its last part; an access token as its signature; the rest names things. */
const lastPart = (token: string) => token.slice(token.lastIndexOf('.') + 1)

/** Every kind of secret, used in every way there is; answers them, and where they must not be. */
async function wholeRun() {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const signing = {
    client_id: 'signing',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] },
    grant_types: ['client_credentials'],
    scope: 'orders:read',
  }
  const [web, ...others] = WORLD.clients
  const clients = [{ ...web, scope: `${web?.scope} ledgate:account` }, ...others, signing]
  const installation = await newInstallation({ ...WORLD, clients })
  const server = await startServer(installation, { environment: { LEDGATE_LOG_LEVEL: 'trace' } })
  const secrets: Secret[] = [
    ...Object.entries({ BOB, CAROL, ANN }).map(([who, { password }]) => secretText(`the password of ${who}`, password)),
    ...[CHOSEN, WRONG].map((password) => secretText(password, password)),
    ...Object.entries({ WEB_SECRET, BATCH_SECRET, ORDERS_SECRET }).map(([name, text]) => secretText(name, text)),
    secretText('the address of Bob', BOB.email),
  ]
  const keep = ({ body }: { body: Readonly<Record<string, unknown>> }) => {
    for (const name of ['access_token', 'refresh_token'])
      if (typeof body[name] === 'string')
        secrets.push(secretText(name, body[name]), ...secretBase64(`the secret of ${name}`, lastPart(body[name])))
    return body
  }
  for (const person of [BOB, CAROL]) {
    await server.json('/accounts', person)
    const link = await server.mailed(person.email)
    secrets.push(...secretBase64('a mailed link', lastPart(link)), secretText('a whole mailed link', link))
    await server.json('/accounts/confirm', { token: link, password: WRONG })
    const proof = person === BOB ? { password: person.password } : { new_password: CHOSEN }
    expect((await server.json('/accounts/confirm', { token: link, ...proof })).status).toBe(200)
  }
  await server.json('/accounts', { ...BOB, password: WRONG }) // he is told by mail, with no link
  await server.signIn({ ...BOB, password: WRONG })
  const signedIn = keep(await server.signIn(BOB))
  keep(await server.signIn({ ...CAROL, password: CHOSEN }))
  const attempt = 'an.attempt.that.was.given.once'
  const refreshToken = String(signedIn['refresh_token'])
  const renewed = keep(await server.refresh(refreshToken, { refresh_attempt: attempt }))
  secrets.push(secretText('refresh_attempt', attempt))
  await server.introspect(String(renewed['access_token']))
  await server.introspect(String(renewed['refresh_token']))
  await server.revoke(String(renewed['access_token']))
  keep(await server.refresh(String(renewed['refresh_token'])))
  await server.refresh(refreshToken) // reuse
  await server.get(`/accounts/confirm?token=${encodeURIComponent(refreshToken)}`) // by mistake, in a URL
  const assertion = await new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer('signing')
    .setSubject('signing')
    .setAudience(installation.url)
    .setJti('an-assertion-that-is-used-once')
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(privateKey)
  const asserted = {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  }
  expect((await server.form('/oauth2/token', asserted)).status).toBe(200)
  expect((await server.form('/oauth2/token', asserted)).status).toBe(401)
  secrets.push(...secretBase64('an assertion', lastPart(assertion)))
  const metadata = JSON.stringify({ grant_types: ['client_credentials'], scope: 'orders:read' })
  const made = await ledgate(installation, ['--json', 'clients', 'create', metadata])
  secrets.push(...secretBase64('a secret that was made', String(made.json()['client_secret'])))
  const reset = 'chosen by a mailed reset'
  await server.json('/accounts/reset', { email: BOB.email })
  const resetLink = await server.mailedLink(BOB.email, 'Set a new password')
  secrets.push(...secretBase64('a reset link', lastPart(resetLink)), secretText('the password of the reset', reset))
  await server.json('/accounts/reset', { token: resetLink, new_password: WRONG.slice(0, 3) })
  expect((await server.json('/accounts/reset', { token: resetLink, new_password: reset })).status).toBe(200)
  const own = keep(
    await server.token({ grant_type: 'password', username: BOB.email, password: reset, scope: 'ledgate:account' }),
  )
  const changed = 'changed with the old one'
  const me = { current_password: reset, new_password: changed }
  keep(await server.asPerson('/accounts/me/password', String(own['access_token']), me))
  secrets.push(secretText('the password of the change', changed))
  const [, setup = ''] = /"token":"([\w-]{43})"/.exec(server.output()) ?? []
  const eve = { email: 'eve@example.com', password: 'the first administrator' }
  expect((await server.json('/admin/setup', { ...eve, token: setup })).status).toBe(201)
  secrets.push(secretText('the password of Eve', eve.password))
  await ledgate(installation, ['clients', 'add-secret', 'batch'])
  await ledgate(installation, ['users', 'reset-password', 'carol@example.com'])
  const typed = 'a password from standard input'
  await ledgate(installation, ['users', 'create', 'dave@example.com'], typed)
  secrets.push(secretText('the password of Dave', typed))
  await server.stop()
  const shown = await ledgate(installation, ['--json', 'events', '--last', '1000'])
  return { installation, secrets, logged: Buffer.from(server.output()), shown: Buffer.from(shown.output) }
}

describe('after a run that used every kind of secret', () => {
  it('no stored byte, no line of the log and no event shown tells one, raw, in hex or in base64', async () => {
    const { installation, secrets, logged, shown } = await wholeRun()
    expect(shown.length).toBeGreaterThan(10_000)
    expect(secrets.length).toBeGreaterThan(20)
    const stored = storedIn(installation.dataDir, isOpen)
    expect([...stored.keys()].filter((name) => name.startsWith('the rows of')).length).toBe(3)
    const everything = new Map([...stored, ['the output of the server', logged], ['the events shown', shown]])
    expect(traces(secrets, everything)).toEqual([])
    const about = (await eventsOf(installation)).filter(({ stream }) => PERSONAL.has(stream.split('-')[0] ?? ''))
    const sources = about.map(({ type, metadata }) => [type, metadata['source']] as const)
    expect(sources.filter(([, source]) => typeof source === 'string').length).toBeGreaterThan(10)
    expect(sources.filter(([, source]) => typeof source === 'object')).toEqual([]) // in the clear
  })

  it('each of them would be found in each of its forms, wherever it stands: the control', () => {
    const secrets = [
      secretText('text', BOB.password),
      ...secretBase64('bytes', Buffer.alloc(32, 0xfb).toString('base64url')),
    ]
    for (const secret of secrets)
      for (const form of formsOf(secret)) {
        const planted = Buffer.concat([Buffer.from('{"x":"'), form, Buffer.from('"}')])
        expect(traces([secret], new Map([['a file', planted]]))).toEqual([`${secret.name} in a file`])
      }
    for (const secret of secrets)
      for (let offset = 0; offset < 5; offset += 1) {
        const around = Buffer.concat([Buffer.alloc(offset, 7), secret.bytes, Buffer.alloc(9, 9)])
        for (const encoding of ['hex', 'base64', 'base64url'] as const)
          expect(traces([secret], new Map([['a file', Buffer.from(around.toString(encoding))]]))).toHaveLength(1)
      }
  })
})
