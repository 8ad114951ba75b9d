import { TemporarilyUnavailable } from '@ledgate/oauth'
import { afterAll, describe, expect, it } from 'vitest'
import { dummyHash } from './argon2.ts'
import { createPasswordHasher } from './password-hasher.ts'
import { InvalidPassword, createPasswordPolicy } from './password-policy.ts'

const hasher = createPasswordHasher({ threads: 2 })
afterAll(() => hasher.close())

const FAMILY = '👨‍👩‍👧‍👦' // seven code points
const LONGEST = 256

describe('the policy of passwords', () => {
  const { check } = createPasswordPolicy()
  const says = (password: string, address = 'ann@example.com') => expect(check(password, address))

  it.each([
    'hgfrt7sw',
    'correct horse battery',
    '        ',
    'ü'.repeat(8),
    '密码密码密码密码',
    `${FAMILY}!`,
    'nul\0within',
    'x'.repeat(LONGEST),
    '👩'.repeat(LONGEST),
  ])('takes %j', (password) => says(password).resolves.toBeUndefined())

  it.each([
    ['', /shorter/],
    ['1234567', /shorter/],
    [FAMILY, /shorter/],
    ['é'.normalize('NFD').repeat(7), /shorter/],
    ['x'.repeat(LONGEST + 1), /longer/],
    ['👩'.repeat(LONGEST + 1), /longer/],
    ['half a \ud83d character', /well-formed/],
    ['password', /common/],
    ['PassWord', /common/],
    ['iloveyou', /common/],
    ['ANN@example.com', /address/],
  ])('refuses %j', (password, why) => says(password).rejects.toThrow(why))

  it('refuses with an error that does not tell the password', async () => {
    const error = await check('qwertyui', 'ann@example.com').catch((refusal: unknown) => refusal)
    expect(error).toBeInstanceOf(InvalidPassword)
    expect(String(error)).not.toContain('qwertyui')
  })
})

describe('the hash of a password', () => {
  it('is argon2id with the parameters of OWASP, and salted', async () => {
    const [one, other] = [await hasher.hash('a good one'), await hasher.hash('a good one')]
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(one).not.toBe(other)
  })

  it('knows every character of the longest password: nothing is cut off, folded or trimmed', async () => {
    const password = '👩'.repeat(LONGEST - 1)
    const phc = await hasher.hash(`${password}a`)
    expect(await hasher.verify(phc, `${password}a`)).toBe(true)
    for (const other of [`${password}b`, password, `${password}A`, ` ${password}a`, `${password}a `, `${password}aa`])
      expect(await hasher.verify(phc, other)).toBe(false)
    const withNul = await hasher.hash('before\0after')
    expect(await hasher.verify(withNul, 'before\0other')).toBe(false)
  })

  it('is the same however a keyboard composes the letters', async () => {
    const phc = await hasher.hash('café au lait'.normalize('NFC'))
    expect(await hasher.verify(phc, 'café au lait'.normalize('NFD'))).toBe(true)
  })

  it('is not made of what could never be verified: every way by which a password comes in ends here', async () => {
    for (const password of ['x'.repeat(LONGEST + 1), '👩'.repeat(LONGEST + 1), 'half a \ud83d character'])
      await expect(hasher.hash(password)).rejects.toThrow(InvalidPassword)
  })

  it('a dummy hash matches no password', async () => {
    expect(await hasher.verify(dummyHash(), '')).toBe(false)
    expect(await hasher.verify(dummyHash(), 'x'.repeat(5000))).toBe(false)
  })

  it('is queued up to a limit: further requests are asked to retry', async () => {
    const small = createPasswordHasher({ threads: 1, queuePerThread: 3 })
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => small.hash('one of many')))
    await small.close()
    const refused = answers.filter((answer) => answer.status === 'rejected')
    expect(refused).toHaveLength(16)
    for (const { reason } of refused) expect(reason).toBeInstanceOf(TemporarilyUnavailable)
  })
})
