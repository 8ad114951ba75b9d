import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { openConnection } from '../src/connection.ts'
import { clientOf, namedNodes, nodeUrl, parseConnectionString } from '../src/connection-string.ts'

const SECRET = 'hunter2'
const withOption = (option: string) => `esdb://ops:${SECRET}@localhost:2113?tls=false&${option}`

/** What a string is refused with; everything that an error has is looked at. */
function refusalOf(url: string): string {
  try {
    void clientOf(url).dispose()
  } catch (error) {
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain(SECRET)
    expect(error).not.toHaveProperty('cause')
    return error instanceof Error ? error.message : 'no error'
  }
  return 'taken'
}

describe('an invalid connection string', () => {
  test.each([
    ['tlsVerifyCert=false', /option tlsVerifyCert cannot be false/],
    ['tls_verify_cert=false', /option tlsVerifyCert cannot be false/],
    ['tlsVerfyCert=true', /there is no option tlsVerfyCert/],
    ['maxDiscoverAttemps=3', /there is no option maxDiscoverAttemps/],
    ['dnsDiscover=true', /there is no option dnsDiscover/],
    [`${SECRET}!=x`, /one of its options has an unknown name/],
    [`gossipTimeout=${SECRET}`, /option gossipTimeout is not a whole number/],
    ['gossipTimeout=5s', /option gossipTimeout is not a whole number/],
    ['defaultDeadline=0', /option defaultDeadline is not a whole number/],
    [`keepAliveInterval=${SECRET}`, /option keepAliveInterval is not a whole number/],
    [`tls=${SECRET}`, /option tls is (neither true nor false|given twice)/],
    ['tls=true', /option tls is given twice/],
    [`nodePreference=${SECRET}`, /option nodePreference is not a kind of node/],
    [`connectionName=%${SECRET}`, /option connectionName is not percent-encoded/],
    [SECRET, /one of its options is not name=value/],
    ['', /one of its options is not name=value/],
    ['userCertFile=/nowhere', /userCertFile and userKeyFile require each other/],
  ])('with the option %s is refused with only the name of the option', (option, message) => {
    expect(refusalOf(withOption(option))).toMatch(message)
  })

  test.each([
    '',
    'x',
    'esdb://',
    `http://ops:${SECRET}@localhost`,
    `esdb://ops:${SECRET}@`,
    `esdb://ops:${SECRET}@?tls=false`,
    `esdb://${SECRET}@localhost`,
    `esdb://:${SECRET}@localhost`,
    `esdb://ops:${SECRET}`,
    `esdb://ops:p@${SECRET}@localhost?tls=false`,
    `esdb://ops:p@ss?${SECRET}=1@localhost`,
    `esdb://ops:%${SECRET}@localhost`,
    `esdb://ops:${SECRET}@local host`,
    `esdb://ops:${SECRET}@a,,b`,
    `esdb://ops:${SECRET}@localhost:0`,
    `esdb://ops:${SECRET}@localhost:99999`,
    `esdb://ops:${SECRET}@localhost/database?tls=false`,
    `esdb:/ops:${SECRET}@localhost`,
  ])('as in %s is refused, and no part of it is repeated', (url) => {
    expect(refusalOf(url)).toMatch(/^LEDGATE_EVENTSTOREDB_URL is not a connection string of EventStoreDB: /)
  })

  test('with a missing file is refused with the name of the option', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ledgate-certificate-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'ca.crt')
    writeFileSync(file, `-----BEGIN CERTIFICATE-----\n${SECRET}\n-----END CERTIFICATE-----`)
    const secure = (option: string) => refusalOf(`esdb://ops:${SECRET}@localhost?${option}`)
    expect(secure('tlsCAFile=/nowhere/ca.crt')).toMatch(/its option tlsCAFile cannot be read \(ENOENT\)/)
    expect(secure(`tlsCAFile=${encodeURIComponent(file)}`)).toMatch(
      /tlsCAFile, userCertFile and userKeyFile cannot be used/,
    )
    expect(secure(`userCertFile=${file}&userKeyFile=/nowhere`)).toMatch(
      /its option userKeyFile cannot be read \(ENOENT\)/,
    )
  })
})

const character = fc.constantFrom(...'aZ1:@/?#&=%,.-_+$*~ é')
const secretive = fc
  .array(character, { minLength: 1, maxLength: 12 })
  .map((letters) => `s3cr3t${letters.join('')}s3cr3t`)

test('no error repeats a password, whatever it is, plain or encoded, at any place', () => {
  const shapes: readonly ((secret: string) => string)[] = [
    (secret) => `esdb://ops:${secret}@localhost:2113?tls=false`,
    (secret) => `esdb://ops:${encodeURIComponent(secret)}@localhost:2113?tls=fals`,
    (secret) => `esdb://ops:${secret}@localhost:2113?tls=false&tlsVerifyCert=false`,
    (secret) => `esdb+discover://ops:${secret}@localhost?unknown=1`,
    (secret) => `esdb://ops:${secret}localhost:2113?tls=false`,
    (secret) => `esdb://${secret}@localhost:2113?tls=false`,
    (secret) => `esdb://localhost:2113?tls=false&connectionName=${secret}`,
  ]
  fc.assert(
    fc.property(secretive, fc.constantFrom(...shapes), (secret, shape) => {
      try {
        void clientOf(shape(secret)).dispose()
      } catch (error) {
        expect(inspect(error, { depth: null })).not.toContain('s3cr3t')
      }
    }),
    { numRuns: rounds({ quick: 200, long: 20_000 }) },
  )
})

test('a password is the decoded text between the first colon and the @', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (password) => {
      const { userinfo } = parseConnectionString(`esdb://ops:${encodeURIComponent(password)}@localhost?tls=false`)
      expect(decodeURIComponent(userinfo)).toBe(`ops:${password}@`)
    }),
    { numRuns: rounds({ quick: 50, long: 2_000 }) },
  )
  expect(parseConnectionString('esdb://ops:a:b@localhost').userinfo).toBe('ops:a:b@')
})

describe('a valid connection string', () => {
  test('is parsed like in the client, with names in any case, with and without a slash', () => {
    for (const slash of ['', '/']) {
      const parsed = parseConnectionString(
        ` esdb://a,b:2114,c.example:65535${slash}?TLS=false&max-discover-attempts=3&node_preference=Read-Only-Replica&keepAliveInterval=-1&connectionName=one%20two `,
      )
      expect(parsed.hosts).toEqual([
        { address: 'a', port: 2113 },
        { address: 'b', port: 2114 },
        { address: 'c.example', port: 65_535 },
      ])
      expect(parsed.options).toEqual({
        tls: false,
        maxDiscoverAttempts: 3,
        nodePreference: 'read_only_replica',
        keepAliveInterval: -1,
        connectionName: 'one two',
      })
    }
  })

  test.each([
    ['esdb://localhost?tls=false', ['localhost:2113']],
    ['esdb://ops:x@a:1,b/?tls=false&tlsVerifyCert=true', ['a:1', 'b:2113']],
    ['esdb://ops:x@[::1],[fd00::2]:2114?tls=false', ['[::1]:2113', '[fd00::2]:2114']],
    ['esdb+discover://ops:x@cluster.example?tls=false&discoveryInterval=5', []],
  ])('%s makes a client, and says nothing', async (url, nodes) => {
    const said = [vi.spyOn(console, 'warn'), vi.spyOn(process.stderr, 'write'), vi.spyOn(process.stdout, 'write')]
    await clientOf(url).dispose()
    for (const spy of said) {
      expect(spy).not.toHaveBeenCalled()
      spy.mockRestore()
    }
    expect(namedNodes(url)).toEqual(nodes)
    expect(parseConnectionString(nodeUrl(url, 'n:7')).hosts).toEqual([{ address: 'n', port: 7 }])
    expect(nodeUrl(url, 'n:7').endsWith(parseConnectionString(url).query)).toBe(true)
  })
})

test('the error names the setting of the string', () => {
  expect(() => openConnection({ url: 'esdb://', setting: 'LEDGATE_EVENTSTOREDB_ADMIN_URL' })).toThrow(
    /^LEDGATE_EVENTSTOREDB_ADMIN_URL is not/,
  )
})

test('the debug output of the client contains no password', () => {
  const code = `
    import { openEventStoreDBEventStore } from './src/index.ts'
    for (const option of ['tls=false', 'tls=true', 'tlsVerifyCert=false', 'mistyped=1']) {
      try {
        const store = openEventStoreDBEventStore({ url: 'esdb://ops:${SECRET}@127.0.0.1:1,127.0.0.1:2?' + option + '&maxDiscoverAttempts=1', attemptMs: 200 })
        await store.head().catch((error) => console.error(error))
        await store.close()
      } catch (error) {
        console.error(error)
      }
    }`
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@ledgate/source', '--input-type=module', '--eval', code],
    { cwd: join(import.meta.dirname, '..'), env: { ...process.env, DEBUG: 'esdb*' }, encoding: 'utf8' },
  )
  expect([status, stdout]).toEqual([0, ''])
  expect(stderr).toContain('LEDGATE_EVENTSTOREDB_URL')
  expect(stderr).not.toContain(SECRET)
  expect(stderr).not.toContain(Buffer.from(`ops:${SECRET}`).toString('base64'))
})
