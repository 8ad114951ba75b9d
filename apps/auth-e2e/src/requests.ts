import { ANN, ORDERS_API, WEB } from './world.ts'

/** An answer that arrived whole. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
  readonly text: string
}

export type Fields = Readonly<Record<string, string>>

function jsonOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** One request. @throws {TypeError} when no whole answer came. */
export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(url, init)
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, body: jsonOf(text), text }
}

/** The calls of clients and of users, to the server at an address. */
export function requestsTo(url: string) {
  const form = (path: string, fields: Fields, authorization?: string, headers: Fields = {}) =>
    send(`${url}${path}`, {
      method: 'POST',
      headers: authorization === undefined ? headers : { ...headers, authorization },
      body: new URLSearchParams(fields),
    })
  const json = (path: string, body: object) =>
    send(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const token = (fields: Fields, authorization = WEB) => form('/oauth2/token', fields, authorization)
  return {
    form,
    json,
    token,
    get: (path: string, headers: Fields = {}) => send(`${url}${path}`, { headers }),
    signIn: ({ email, password } = ANN) => token({ grant_type: 'password', username: email, password }),
    refresh: (refreshToken: string, more: Fields = {}) =>
      token({ grant_type: 'refresh_token', refresh_token: refreshToken, ...more }),
    introspect: async (text: string) => (await form('/oauth2/introspect', { token: text }, ORDERS_API)).body,
    revoke: (text: string, authorization = WEB, headers: Fields = {}) =>
      form('/oauth2/revoke', { token: text }, authorization, headers),
    /** A call of a user with their access token. */
    asPerson: (path: string, accessToken: string, body: object) =>
      send(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
        body: JSON.stringify(body),
      }),
    /** The newest mailed token for an address, once it is there. @throws {Error} after two minutes. */
    mailed: (address: string): Promise<string> => mailedLink(address),
    mailedLink,
  }

  /** The same, of a mail with this subject. */
  async function mailedLink(address: string, subject?: string): Promise<string> {
    for (const until = Date.now() + 120_000; Date.now() < until; await new Promise((wait) => setTimeout(wait, 50))) {
      const mails = await send(`${url}/dev/mail?to=${encodeURIComponent(address)}`, {
        headers: { accept: 'application/json' },
      })
      const all = mails.body as unknown as readonly { token?: string; subject: string }[]
      const newest = all.find((mail) => subject === undefined || mail.subject === subject)
      if (newest?.token !== undefined) return newest.token
    }
    throw new Error(`no mail came for ${address}`)
  }
}

export type Requests = ReturnType<typeof requestsTo>
