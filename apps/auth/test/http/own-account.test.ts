import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { basic, BOOTSTRAP, type Form, ISSUER, openService, ORDERS } from './service.ts'

const SITE = basic('site', 'site-secret')
const WORLD = {
  ...BOOTSTRAP,
  clients: [
    ...BOOTSTRAP.clients,
    {
      client_id: 'site',
      client_secret: 'site-secret',
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['password', 'refresh_token', 'client_credentials'],
      scope: 'orders:read ledgate:account ledgate:users:write',
    },
  ],
  users: [...BOOTSTRAP.users, { email: 'root@example.com', password: 'the root of it all', roles: ['ledgate:admin'] }],
}

let service: Awaited<ReturnType<typeof openService>>
beforeAll(async () => {
  service = await openService(WORLD)
})
afterAll(() => service.close())

interface Person {
  email: string
  password: string
}
let count = 0

const signIn = (person: Person, scope = 'ledgate:account') =>
  service.token({ grant_type: 'password', username: person.email, password: person.password, scope }, SITE)
const tokensOf = async (person: Person, scope?: string) => (await signIn(person, scope)).body
const renew = (token: unknown) => service.token({ grant_type: 'refresh_token', refresh_token: String(token) }, SITE)

const me = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, token: unknown, body?: object) =>
  service.send({
    method,
    url: `/accounts/me${path}`,
    headers: { authorization: `Bearer ${String(token)}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { payload: JSON.stringify(body) }),
  })

interface Mailed {
  readonly subject: string
  readonly token?: string
}

const mailsNow = async (address: string): Promise<readonly Mailed[]> => {
  const url = `/dev/mail?to=${encodeURIComponent(address)}`
  return JSON.parse(
    (await service.send({ method: 'GET', url, headers: { accept: 'application/json' } })).text,
  ) as Mailed[]
}

/** The links of the mails to an address with a subject, once there are so many. */
async function mailed(address: string, subject: string, many = 1): Promise<readonly Mailed[]> {
  for (const until = Date.now() + 10_000; ; await pause(20)) {
    const mails = (await mailsNow(address)).filter((mail) => mail.subject === subject)
    if (mails.length >= many) return mails
    if (Date.now() > until) throw new Error(`${mails.length} of ${many} mails "${subject}" came for ${address}`)
  }
}

const SUBJECTS = {
  confirm: 'Confirm your address',
  reset: 'Set a new password',
  change: 'Confirm your new address',
} as const

const tokenMailed = async (address: string, kind: keyof typeof SUBJECTS) =>
  String((await mailed(address, SUBJECTS[kind]))[0]?.token)

/** Somebody new, confirmed. */
async function newPerson(): Promise<Person> {
  const person = { email: `person-${(count += 1)}@example.com`, password: 'seven grey herons' }
  await service.json('/accounts', person)
  await service.json('/accounts/confirm', {
    token: await tokenMailed(person.email, 'confirm'),
    password: person.password,
  })
  return person
}

describe('one’s own account', () => {
  it('needs a user’s token for it, and rejects that of a service', async () => {
    const person = await newPerson()
    expect((await me('GET', '', 'x')).status).toBe(401)
    expect((await me('GET', '', (await tokensOf(person, 'orders:read'))['access_token'])).status).toBe(401)
    const { body } = await service.token({ grant_type: 'client_credentials', scope: 'ledgate:account' }, SITE)
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/grants'],
      ['DELETE', '/sessions'],
    ] as const)
      expect((await me(method, path, body['access_token'])).body).toMatchObject({ error: 'invalid_token' })
  })

  it('shows who one is, and takes another name', async () => {
    const person = await newPerson()
    const { access_token } = await tokensOf(person)
    expect((await me('GET', '', access_token)).body).toMatchObject({ email: person.email, email_verified: true })
    expect((await me('PATCH', '', access_token, { name: 'Ada' })).status).toBe(204)
    expect((await me('GET', '', access_token)).body).toMatchObject({ name: 'Ada' })
    expect((await me('PATCH', '', access_token, { name: null })).status).toBe(204)
    expect((await me('GET', '', access_token)).body).not.toHaveProperty('name')
    expect((await me('PATCH', '', access_token, { name: 'a\nb' })).status).toBe(400)
    expect((await me('PATCH', '', access_token, { roles: ['ledgate:admin'] })).status).toBe(400)
  })
})

describe('a password change', () => {
  it('ends every other session and grant, and the one that asked goes on with new tokens', async () => {
    const person = await newPerson()
    const [mine, other] = [await tokensOf(person), await tokensOf(person)]
    const change = { current_password: person.password, new_password: 'nine blue herons' }
    const changed = await me('POST', '/password', mine['access_token'], change)
    expect(changed.status).toBe(200)
    expect(changed.headers['ledgate-position']).toBeDefined()
    for (const old of [mine, other]) {
      expect((await me('GET', '', old['access_token'])).status).toBe(401)
      expect((await renew(old['refresh_token'])).body).toMatchObject({ error: 'invalid_grant' })
    }
    expect((await me('GET', '', changed.body['access_token'])).status).toBe(200)
    expect((await renew(changed.body['refresh_token'])).status).toBe(200)
    expect((await signIn(person)).body).toMatchObject({ error: 'invalid_grant' })
    expect((await signIn({ ...person, password: 'nine blue herons' })).status).toBe(200)
    expect(await mailed(person.email, 'Your password was changed')).toHaveLength(1)
  })

  it('needs the password of now and an acceptable new one, or nothing changes', async () => {
    const person = await newPerson()
    const { access_token, refresh_token } = await tokensOf(person)
    const tries = [
      [{ current_password: 'not mine at all', new_password: 'nine blue herons' }, 'wrong_password'],
      [{ current_password: person.password, new_password: 'short' }, 'invalid_password'],
      [{ current_password: person.password, new_password: person.email }, 'invalid_password'],
      [{ new_password: 'nine blue herons' }, 'invalid_request'],
    ] as const
    for (const [body, error] of tries) {
      const refused = await me('POST', '/password', access_token, body)
      expect([refused.status, refused.body['error']]).toEqual([400, error])
    }
    expect((await renew(refresh_token)).status).toBe(200)
    expect((await signIn(person)).status).toBe(200)
  })

  it('of two at once is done once', async () => {
    const person = await newPerson()
    const { access_token } = await tokensOf(person)
    const news = ['nine blue herons', 'ten red herons']
    const answers = await Promise.all(
      news.map((new_password) =>
        me('POST', '/password', access_token, { current_password: person.password, new_password }),
      ),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const works = await Promise.all(
      news.map(async (password) => (await signIn({ ...person, password })).status === 200),
    )
    expect(works).toEqual(answers.map(({ status }) => status === 200))
  })
})

describe('a forgotten password', () => {
  const ask = (email: string) => service.json('/accounts/reset', { email })
  const set = (token: string, new_password: string) => service.json('/accounts/reset', { token, new_password })

  it('is reset with an emailed link, once, which revokes everything', async () => {
    const person = await newPerson()
    const before = await tokensOf(person)
    expect([(await ask(person.email)).status, (await ask('nobody@example.com')).status]).toEqual([202, 202])
    const token = await tokenMailed(person.email, 'reset')
    const page = await service.get(`/accounts/reset?token=${token}`)
    expect([page.status, page.text.includes('Set a new password')]).toEqual([200, true])
    expect((await set(token, 'short')).body).toMatchObject({ error: 'invalid_password' })
    const done = await set(token, 'nine blue herons')
    expect([done.status, done.body]).toEqual([200, { status: 'reset' }])
    expect((await renew(before['refresh_token'])).body).toMatchObject({ error: 'invalid_grant' })
    expect((await signIn({ ...person, password: 'nine blue herons' })).status).toBe(200)
    expect((await set(token, 'nine blue herons')).status).toBe(200) // the answer was lost
    expect((await set(token, 'ten red herons')).body).toMatchObject({ error: 'invalid_token' })
    expect((await service.get(`/accounts/reset?token=${token}`)).status).toBe(400)
  })

  it('is not set by a link from before another change, nor by another kind of link', async () => {
    const person = await newPerson()
    const confirming = await tokenMailed(person.email, 'confirm')
    await ask(person.email)
    const token = await tokenMailed(person.email, 'reset')
    const { access_token } = await tokensOf(person)
    await me('POST', '/password', access_token, { current_password: person.password, new_password: 'nine blue herons' })
    expect((await set(token, 'ten red herons')).body).toMatchObject({ error: 'invalid_token' })
    expect((await set(confirming, 'ten red herons')).body).toMatchObject({ error: 'invalid_token' })
    expect((await service.json('/accounts/email', { token })).body).toMatchObject({ error: 'invalid_token' })
    expect((await signIn({ ...person, password: 'nine blue herons' })).status).toBe(200)
  })

  it('is set in the page without script', async () => {
    const person = await newPerson()
    await ask(person.email)
    const token = await tokenMailed(person.email, 'reset')
    const wrong = await service.form('/accounts/reset', { token, new_password: 'short' })
    expect([wrong.status, wrong.text.includes('Please choose another one')]).toEqual([400, true])
    const done = await service.form('/accounts/reset', { token, new_password: 'nine blue herons' })
    expect([done.status, done.text.includes('Your password is set')]).toEqual([200, true])
    expect((await signIn({ ...person, password: 'nine blue herons' })).status).toBe(200)
  })

  it('is asked for by an administrator, who never sees one', async () => {
    const person = await newPerson()
    const before = await tokensOf(person)
    const sub = (await me('GET', '', before['access_token'])).body['sub']
    const root = await tokensOf({ email: 'root@example.com', password: 'the root of it all' }, 'ledgate:users:write')
    const forced = await service.send({
      method: 'POST',
      url: `/admin/users/${String(sub)}/reset-password`,
      headers: { authorization: `Bearer ${String(root['access_token'])}` },
    })
    expect(forced.status).toBe(204)
    expect((await signIn(person)).body).toMatchObject({ error: 'invalid_grant' })
    expect((await renew(before['refresh_token'])).body).toMatchObject({ error: 'invalid_grant' })
    expect((await set(await tokenMailed(person.email, 'reset'), 'nine blue herons')).status).toBe(200)
    expect((await signIn({ ...person, password: 'nine blue herons' })).status).toBe(200)
  })
})

describe('another address', () => {
  const askFor = async (person: Person, email: string, password = person.password) =>
    me('POST', '/email', (await tokensOf(person))['access_token'], { email, password })
  const use = (token: string) => service.json('/accounts/email', { token })

  it('replaces the old one once its mailbox is proved; the old one is notified, and available again', async () => {
    const person = await newPerson()
    const moved = { ...person, email: `moved-${person.email}` }
    expect((await askFor(person, moved.email, 'not mine at all')).body).toMatchObject({ error: 'wrong_password' })
    expect((await askFor(person, moved.email)).status).toBe(202)
    const token = await tokenMailed(moved.email, 'change')
    expect((await signIn(person)).status).toBe(200) // nothing has changed yet
    expect((await service.get(`/accounts/email?token=${token}`)).text).toContain('Use this address')
    const done = await use(token)
    expect([done.status, done.body]).toEqual([200, { status: 'changed' }])
    expect([(await signIn(moved)).status, (await signIn(person)).status]).toEqual([200, 400])
    expect((await use(token)).status).toBe(200) // the answer was lost
    expect((await me('GET', '', (await tokensOf(moved))['access_token'])).body).toMatchObject({ email: moved.email })
    expect(await mailed(person.email, 'Your account has another address')).toHaveLength(1)
    expect((await service.json('/accounts', { ...person, password: 'somebody new here' })).status).toBe(202)
    expect(await mailed(person.email, SUBJECTS.confirm, 2)).toHaveLength(2)
  })

  it('of another user is not given away, and only its owner is notified', async () => {
    const [person, other] = [await newPerson(), await newPerson()]
    expect((await askFor(person, other.email)).status).toBe(202)
    expect(await mailed(other.email, 'You have an account already')).toHaveLength(1)
    expect([(await signIn(person)).status, (await signIn(other)).status]).toEqual([200, 200])
  })

  it('wanted by two is the one’s who proves it first', async () => {
    const [one, two] = [await newPerson(), await newPerson()]
    const wanted = `wanted-${one.email}`
    await askFor(one, wanted)
    const first = await tokenMailed(wanted, 'change')
    await askFor(two, wanted)
    const second = (await mailed(wanted, SUBJECTS.change, 2))
      .map(({ token }) => String(token))
      .find((token) => token !== first)
    const answers = await Promise.all([use(first), use(String(second))])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400])
    const [winner, loser] = answers[0].status === 200 ? [one, two] : [two, one]
    expect((await signIn({ ...winner, email: wanted })).status).toBe(200)
    expect((await signIn(loser)).status).toBe(200)
  })

  it('of two that are proved at once is one; the other is free again, and the person has one', async () => {
    for (let round = 0; round < rounds({ quick: 2, long: 20 }); round += 1) {
      const person = await newPerson()
      const wanted = [`a-${person.email}`, `b-${person.email}`]
      for (const email of wanted) await askFor(person, email)
      const tokens = await Promise.all(wanted.map((email) => tokenMailed(email, 'change')))
      const answers = await Promise.all(tokens.map(use))
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400])
      const works = await Promise.all(
        [...wanted, person.email].map(async (email) => (await signIn({ ...person, email })).status === 200),
      )
      expect(works, `round ${round}`).toEqual([...answers.map(({ status }) => status === 200), false])
    }
  })

  it('is not taken by a link from before a new password', async () => {
    const person = await newPerson()
    await askFor(person, `late-${person.email}`)
    const token = await tokenMailed(`late-${person.email}`, 'change')
    const { access_token } = await tokensOf(person)
    await me('POST', '/password', access_token, { current_password: person.password, new_password: 'nine blue herons' })
    expect((await use(token)).body).toMatchObject({ error: 'invalid_token' })
  })
})

describe('sessions and grants', () => {
  it('are listed, ended one by one, and all but the own at once', async () => {
    const person = await newPerson()
    const [mine, second, third] = [await tokensOf(person), await tokensOf(person), await tokensOf(person)]
    const sessions = async (token: unknown) =>
      (await me('GET', '/sessions', token)).body['sessions'] as { sid: string; current: boolean }[]
    const listed = await sessions(mine['access_token'])
    expect(listed).toHaveLength(3)
    expect(listed.filter(({ current }) => current)).toHaveLength(1)
    const seconds = (await sessions(second['access_token'])).find(({ current }) => current)
    expect((await me('DELETE', `/sessions/${seconds?.sid}`, mine['access_token'])).status).toBe(204)
    expect((await me('GET', '', second['access_token'])).status).toBe(401)
    expect((await renew(second['refresh_token'])).body).toMatchObject({ error: 'invalid_grant' })
    expect((await me('GET', '', third['access_token'])).status).toBe(200)

    const grants = async (token: unknown) =>
      (await me('GET', '/grants', token)).body['grants'] as { gid: string; client_id: string; current: boolean }[]
    const thirds = (await grants(third['access_token'])).find(({ current }) => current)
    expect(thirds?.client_id).toBe('site')
    expect((await me('DELETE', `/grants/${thirds?.gid}`, mine['access_token'])).status).toBe(204)
    expect((await me('GET', '', third['access_token'])).status).toBe(401)

    const fourth = await tokensOf(person)
    const alone = await me('DELETE', '/sessions', mine['access_token'])
    expect(alone.status).toBe(200)
    for (const old of [mine, fourth]) expect((await me('GET', '', old['access_token'])).status).toBe(401)
    expect(await sessions(alone.body['access_token'])).toHaveLength(1)
    expect((await renew(alone.body['refresh_token'])).status).toBe(200)
  })

  it('all end, and nothing goes on, when the grant that asks could not be given today', async () => {
    const person = await newPerson()
    const both: Form = [
      ...Object.entries({ grant_type: 'password', username: person.email, password: person.password }),
      ['scope', 'ledgate:account orders:read'],
      ['resource', `${ISSUER}/accounts`],
      ['resource', ORDERS],
    ]
    const mine = (await service.token(both, SITE)).body
    const other = await tokensOf(person)
    expect(await service.operate('resources disable', { client_id: 'orders', reason: 'x' })).toBe(200)
    expect((await renew(mine['refresh_token'])).body).toMatchObject({ error: 'invalid_target' })
    const ended = await me('DELETE', '/sessions', mine['access_token'])
    expect(await service.operate('resources enable', { client_id: 'orders' })).toBe(200)
    expect([ended.status, ended.text]).toEqual([204, ''])
    expect(ended.headers['ledgate-position']).toBeDefined()
    for (const old of [mine, other]) expect((await me('GET', '', old['access_token'])).status).toBe(401)
  })

  it('of another user are not shown', async () => {
    const [one, two] = [await newPerson(), await newPerson()]
    const [ones, twos] = [await tokensOf(one), await tokensOf(two)]
    const sid = ((await me('GET', '/sessions', twos['access_token'])).body['sessions'] as { sid: string }[])[0]?.sid
    const gid = ((await me('GET', '/grants', twos['access_token'])).body['grants'] as { gid: string }[])[0]?.gid
    for (const path of [`/sessions/${sid}`, `/grants/${gid}`, `/sessions/${'0'.repeat(32)}`]) {
      const refused = await me('DELETE', path, ones['access_token'])
      expect([refused.status, refused.body['error']]).toEqual([404, 'not_found'])
    }
    expect((await me('DELETE', '/sessions/x', ones['access_token'])).status).toBe(400)
    expect((await me('GET', '', twos['access_token'])).status).toBe(200)
  })
})
