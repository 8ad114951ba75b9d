import fc from 'fast-check'
import { request as httpRequest, type Agent } from 'node:http'

/** A request as it goes over the wire: nothing of it has to make sense. */
export interface Shot {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface Hit {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** Sends it as it is. @throws {Error} when the connection broke before an answer. */
export const shoot = (url: string, { method, path, headers, body }: Shot, agent: Agent): Promise<Hit> =>
  new Promise((resolve, reject) => {
    const call = httpRequest(`${url}${path}`, { method, agent, headers: { ...headers, 'content-length': body.length } })
    call.on('error', reject)
    call.on('response', (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(chunks).toString() }),
      )
    })
    call.end(body)
  })

/** Text that programs stumble over. */
const nasty = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\0',
    'a\0b',
    '%',
    '%zz',
    '%00',
    '%ff%fe',
    '+',
    '&',
    '=',
    '"',
    "'",
    '\\',
    '\r\nset-cookie: x=1',
    '__proto__',
    'constructor',
    'toString',
    'null',
    'undefined',
    'NaN',
    '-1',
    '1e999',
    '[]',
    '{}',
    '{"$gt":""}',
    '../../etc/passwd',
    "' OR 1=1 --",
    '${7*7}',
    '{{7*7}}',
    '\u202e',
    '\ufeff',
    '\u{1f468}\u200d\u{1f469}',
    'ﬀ',
    'İ',
    'K',
    'a'.repeat(300),
    'é'.repeat(5000),
    'x'.repeat(20_000),
    'r1.',
    'r1.0.0.0.0',
    `r1.${'0'.repeat(16)}.${'0'.repeat(32)}.0.${'A'.repeat(43)}`,
    `r1.${'0'.repeat(16)}.${'0'.repeat(32)}.999999999.${'A'.repeat(43)}`,
    '..',
    'e30.e30.',
    'eyJhbGciOiJub25lIn0.e30.',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
)

/** What a field holds: mostly what it should, so that the request gets past the first check. */
const valueOf = (valid: readonly string[]) =>
  valid.length === 0
    ? nasty
    : fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...valid) }, { weight: 2, arbitrary: nasty })

/** Fields and what would be right in them. */
export type Grammar = Readonly<Record<string, readonly string[]>>

/** A few fields of the grammar, some twice, some that no one knows. */
const fieldsOf = (grammar: Grammar) =>
  fc
    .tuple(
      fc.subarray(Object.keys(grammar), { minLength: 1 }),
      fc.array(fc.oneof(fc.constantFrom(...Object.keys(grammar)), nasty), { maxLength: 1 }),
    )
    .chain(([known, more]) =>
      fc.tuple(
        ...[...known, ...(more.length > 0 && known.length % 3 === 0 ? more : [])].map((name) =>
          valueOf(Object.hasOwn(grammar, name) ? (grammar[name] ?? []) : []).map((value) => [name, value] as const),
        ),
      ),
    )

/** How many bytes of the body are damaged on the way: mostly none. */
const damage = fc.oneof(
  { weight: 8, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }) },
)

function damaged(text: string, places: readonly (readonly [number, number])[]): Buffer {
  const bytes = Buffer.from(text)
  for (const [at, value] of places) if (bytes.length > 0) bytes[at % bytes.length] = value
  return bytes
}

/** Percent-encoding that keeps what cannot be text, such as half a character, as it is. */
const encode = (text: string) => encodeURIComponent(text.toWellFormed()).replaceAll('%20', '+')

const rarely = <Value>(usual: Value, odd: readonly Value[]) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...odd) })

const METHODS = ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']
const TYPES = [
  '',
  'text/plain',
  'application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/xml',
  'application/x-www-form-urlencoded; charset=utf-7',
  'application/json; charset=\u00ff',
  'application/JSON',
  ';;;',
  'a/b',
]

const headersOf = (type: string, authorization: string) => ({
  ...(type !== '' && { 'content-type': type }),
  ...(authorization !== '' && { authorization }),
})

/** Requests with a form. */
export const forms = (path: string, grammar: Grammar, authorizations: readonly string[]): fc.Arbitrary<Shot> =>
  fc
    .record({
      method: rarely('POST', METHODS),
      type: rarely('application/x-www-form-urlencoded', TYPES),
      authorization: fc.constantFrom(
        '',
        ...authorizations,
        ...authorizations,
        'Basic',
        'Basic !!!',
        'Basic Og==',
        'Bearer x',
      ),
      fields: fieldsOf(grammar),
      harm: damage,
    })
    .map(({ method, type, authorization, fields, harm }) => ({
      method,
      path,
      headers: headersOf(type, authorization),
      body: damaged(fields.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&'), harm),
    }))

const notText = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(1e400, -0, [[[[[[]]]]]], { toString: 1 }))

/** Requests that say what they want in the query. */
export const queries = (path: string, grammar: Grammar, authorizations: readonly string[]): fc.Arbitrary<Shot> =>
  fc
    .record({
      method: rarely('GET', ['POST', 'HEAD', ...METHODS]),
      authorization: fc.constantFrom('', 'Bearer x', ...authorizations, ...authorizations),
      fields: fieldsOf(grammar),
    })
    .map(({ method, authorization, fields }) => ({
      method,
      path: `${path}?${fields.map(([name, value]) => `${encode(name.slice(0, 100))}=${encode(value.slice(0, 100))}`).join('&')}`,
      headers: headersOf('', authorization),
      body: Buffer.alloc(0),
    }))

/** Requests with JSON. */
export const documents = (
  path: string,
  grammar: Grammar,
  authorizations: readonly string[] = [''],
): fc.Arbitrary<Shot> =>
  fc
    .record({
      method: rarely('POST', METHODS),
      type: rarely('application/json', TYPES),
      authorization: fc.constantFrom(...authorizations),
      fields: fieldsOf(grammar),
      odd: fc.option(fc.tuple(fc.constantFrom(...Object.keys(grammar)), notText), { freq: 6 }),
      whole: fc.option(
        fc.oneof(
          notText.map((value) => JSON.stringify(value) ?? ''),
          nasty,
        ),
        { freq: 8 },
      ),
      harm: damage,
    })
    .map(({ method, type, authorization, fields, odd, whole, harm }) => ({
      method,
      path,
      headers: headersOf(type, authorization),
      body: damaged(whole ?? JSON.stringify(Object.fromEntries(odd === null ? fields : [...fields, odd])), harm),
    }))
