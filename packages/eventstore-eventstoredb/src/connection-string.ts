import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import {
  type ChannelCredentialOptions,
  type Credentials,
  type DNSClusterOptions,
  type EndPoint,
  EventStoreDBClient,
  type NodePreference,
} from '@eventstore/db-client'
import { sendingAhead } from './client-internals.ts'

/** A parsed connection string. The client never receives the whole text: its errors print the text, with the password. */
export interface ConnectionString {
  /** Whether the host is a name for a cluster (`esdb+discover`). */
  readonly isDiscovered: boolean
  /** `user:password@` as written, or empty. */
  readonly userinfo: string
  readonly hosts: readonly EndPoint[]
  /** As written, with its `?`, or empty. */
  readonly query: string
  readonly options: Options
}

const SETTING = 'LEDGATE_EVENTSTOREDB_URL'
const DEFAULT_PORT = 2113
const HIGHEST_PORT = 65_535

/** A fault of a connection string. The message repeats no other part of it, which might belong to the password. */
class Wrong extends Error {}
const wrong = (what: string): Wrong => new Wrong(what)

/** @throws {Error} that names the setting. */
function naming<Result>(setting: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Wrong)) throw error
    throw new Error(`${setting} is not a connection string of EventStoreDB: ${error.message}`)
  }
}

type Read = (name: string, value: string) => boolean | number | string

const flag: Read = (name, value) => {
  if (value !== 'true' && value !== 'false') throw wrong(`its option ${name} is neither true nor false`)
  return value === 'true'
}
const number =
  (pattern: RegExp): Read =>
  (name, value) => {
    if (!pattern.test(value)) throw wrong(`its option ${name} is not a whole number in the allowed range`)
    return Number(value)
  }
const whole = number(/^\d{1,9}$/)
const positive = number(/^[1-9]\d{0,8}$/)
/** -1 means never. */
const interval = number(/^(-1|\d{1,9})$/)
const text: Read = (name, value) => decoded(value, `its option ${name}`)
const verified: Read = (name, value) => {
  if (!flag(name, value)) throw wrong(`its option ${name} cannot be false: tlsCAFile names the authority to trust`)
  return true
}
const PREFERENCES: ReadonlyMap<string, NodePreference> = new Map([
  ['leader', 'leader'],
  ['follower', 'follower'],
  ['random', 'random'],
  ['readonlyreplica', 'read_only_replica'],
])
const preference: Read = (name, value) => {
  const found = PREFERENCES.get(flat(value))
  if (found === undefined) throw wrong(`its option ${name} is not a kind of node`)
  return found
}

/** The options and their parsers. The names are those of the client, in any case. */
const OPTIONS = {
  tls: flag,
  tlsCAFile: text,
  tlsVerifyCert: verified,
  userCertFile: text,
  userKeyFile: text,
  connectionName: text,
  nodePreference: preference,
  maxDiscoverAttempts: whole,
  discoveryInterval: whole,
  gossipTimeout: whole,
  keepAliveInterval: interval,
  keepAliveTimeout: interval,
  defaultDeadline: positive,
  throwOnAppendFailure: flag,
} as const
type Name = keyof typeof OPTIONS
type Options = { readonly [Each in Name]?: boolean | number | string }

const flat = (name: string): string => name.trim().toLowerCase().replace(/[_-]/g, '')
const NAMES: ReadonlyMap<string, Name> = new Map((Object.keys(OPTIONS) as Name[]).map((name) => [flat(name), name]))
/** Only an option name that matches is repeated in an error; other texts may be part of a secret. */
const WORD = /^[A-Za-z][\w-]{0,31}$/

function decoded(value: string, what: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    throw wrong(`${what} is not percent-encoded`)
  }
}

const WHOLE = /^esdb(?<discover>\+discover)?:\/\/(?:(?<userinfo>[^@]*)@)?(?<hosts>[^@/?]+)\/*(?<query>\?[^@]*)?$/

/**
 * Parses a connection string and validates each of its options.
 *
 * @throws {Error} that names the fault and repeats no value.
 */
export const parseConnectionString = (url: string, setting = SETTING): ConnectionString =>
  naming(setting, () => parsed(url))

function parsed(url: string): ConnectionString {
  const written = url.trim().replace(/\/+$/, '')
  const parts = WHOLE.exec(written)?.groups
  if (parts === undefined)
    throw wrong(
      written.split('@').length > 2
        ? 'an @ in its user, password or options must be written as %40'
        : 'it must look like esdb://user:password@host:2113?tls=true',
    )
  const { discover, userinfo, hosts = '', query = '' } = parts
  if (userinfo !== undefined) credentialsOf(userinfo)
  return {
    isDiscovered: discover !== undefined,
    userinfo: userinfo === undefined ? '' : `${userinfo}@`,
    hosts: hosts.split(',').map(endpointOf),
    query,
    options: optionsOf(query.slice(1)),
  }
}

/** The user and password of a connection string. @throws {Error} as {@link parseConnectionString} does. */
export function credentialsIn(url: string): Credentials | undefined {
  const { userinfo } = parseConnectionString(url)
  return userinfo === '' ? undefined : credentialsOf(userinfo.slice(0, -1))
}

/** @throws {Wrong} for a text that is not `user:password`. A password may contain colons. */
function credentialsOf(userinfo: string): Credentials {
  const [, user, secret] = /^([^:]+):(.+)$/.exec(userinfo) ?? []
  if (user === undefined || secret === undefined) throw wrong('before its @ is not user:password')
  return { username: decoded(user, 'its user'), password: decoded(secret, 'its password') }
}

/** A name, an address, or an address of IPv6 in brackets. */
const ENDPOINT = /^\s*([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?\s*$/

function endpointOf(host: string): EndPoint {
  const [, address, port = String(DEFAULT_PORT)] = ENDPOINT.exec(host) ?? []
  if (address === undefined || Number(port) === 0 || Number(port) > HIGHEST_PORT)
    throw wrong('one of its hosts does not look like name:2113')
  return { address, port: Number(port) }
}

function optionsOf(query: string): Options {
  const options: { [Each in Name]?: boolean | number | string } = {}
  for (const pair of query === '' ? [] : query.split('&')) {
    const [, written = '', value = ''] = /^([^=]+)=(.+)$/.exec(pair) ?? []
    if (written === '') throw wrong('one of its options is not name=value')
    const name = NAMES.get(flat(written))
    if (name === undefined)
      throw wrong(WORD.test(written) ? `there is no option ${written}` : 'one of its options has an unknown name')
    if (options[name] !== undefined) throw wrong(`its option ${name} is given twice`)
    options[name] = OPTIONS[name](name, value.trim())
  }
  if ((options.userCertFile === undefined) !== (options.userKeyFile === undefined))
    throw wrong('its options userCertFile and userKeyFile require each other')
  return options
}

/** The file that an option names. @throws {Wrong} that names the option. */
function fileOf(options: Options, name: 'tlsCAFile' | 'userCertFile' | 'userKeyFile'): Buffer | undefined {
  const path = options[name]
  if (typeof path !== 'string') return undefined
  try {
    return readFileSync(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    throw wrong(`the certificate or key of its option ${name} cannot be read${code}`)
  }
}

const OF_THE_CHANNEL: ReadonlySet<string> = new Set([
  'tls',
  'tlsVerifyCert',
  'tlsCAFile',
  'userCertFile',
  'userKeyFile',
])

function channelOf(options: Options): ChannelCredentialOptions {
  if (options.tls === false) return { insecure: true }
  const [ca, cert, key] = (['tlsCAFile', 'userCertFile', 'userKeyFile'] as const).map((name) => fileOf(options, name))
  try {
    for (const each of [ca, cert]) if (each) new X509Certificate(each)
    createSecureContext({ ca, cert, key })
  } catch {
    throw wrong('a certificate or key of its options tlsCAFile, userCertFile and userKeyFile cannot be used')
  }
  return {
    insecure: false,
    ...(ca && { rootCertificate: ca }),
    ...(cert && { userCertFile: cert }),
    ...(key && { userKeyFile: key }),
  }
}

/**
 * Creates the client for a connection string; nothing is sent before the first call.
 *
 * @throws {Error} that names the invalid option and repeats no value.
 */
export const clientOf = (url: string, setting = SETTING): EventStoreDBClient =>
  naming(setting, () => sendingAhead(made(url)))

function made(url: string): EventStoreDBClient {
  const { isDiscovered, userinfo, hosts, options } = parsed(url)
  const credentials = userinfo === '' ? undefined : credentialsOf(userinfo.slice(0, -1))
  const channel = channelOf(options)
  // The others were parsed to the types that the client takes under these names.
  const others = Object.entries(options).filter(([name]) => !OF_THE_CHANNEL.has(name))
  const how: Omit<DNSClusterOptions, 'discover'> = Object.fromEntries(others)
  const [first] = hosts
  if (first === undefined) throw wrong('it has no host')
  if (isDiscovered) return new EventStoreDBClient({ ...how, discover: first }, channel, credentials)
  if (hosts.length > 1) return new EventStoreDBClient({ ...how, endpoints: [...hosts] }, channel, credentials)
  return new EventStoreDBClient({ ...how, endpoint: first }, channel, credentials)
}

/** Every host and port in a connection string, of nodes and of a cluster. */
export const namedHosts = (url: string): readonly string[] =>
  parseConnectionString(url).hosts.map(({ address, port }) => `${address}:${port}`)

/** The hosts and ports of the nodes in a connection string; none if it names only a cluster. */
export const namedNodes = (url: string): readonly string[] =>
  parseConnectionString(url).isDiscovered ? [] : namedHosts(url)

/** The connection string for a single node, with the same options: for reads of what this node itself has. */
export function nodeUrl(url: string, host: string): string {
  const { userinfo, query } = parseConnectionString(url)
  return `esdb://${userinfo}${host}${query}`
}
