import type { Views } from '../views/index.ts'

/** Seconds for which the lists are kept: browsers ask often, clients change rarely. */
const KEEP_FOR_MS = 2_000
const PAGE = 1_000

/** What is listed, read again at most every two seconds. */
function kept<Value>(read: () => Value, nowMs: () => number): () => Value {
  let value: { readonly of: Value; readonly at: number } | undefined
  return () => {
    if (value === undefined || nowMs() - value.at > KEEP_FOR_MS) value = { of: read(), at: nowMs() }
    return value.of
  }
}

function* pages<Entry>(list: (after: string | undefined) => readonly Entry[], keyOf: (entry: Entry) => string) {
  for (let after: string | undefined; ;) {
    const page = list(after)
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    after = keyOf(last)
  }
}

/** The origins of all `redirect_uris`, of clients that are not disabled. */
export const registeredOrigins = (views: Pick<Views, 'clients'>, nowMs: () => number) =>
  kept((): ReadonlySet<string> => {
    const clients = pages(
      (after) => views.clients.list({ after, limit: PAGE }),
      ({ client_id }) => client_id,
    )
    const uris = [...clients].filter(({ disabled }) => !disabled).flatMap(({ metadata }) => metadata.redirect_uris)
    return new Set(uris.map((uri) => new URL(uri).origin).filter((origin) => origin !== 'null'))
  }, nowMs)

/** The scopes that some resource server owns. */
export const ownedScopes = (views: Pick<Views, 'resources'>, nowMs: () => number) =>
  kept((): readonly string[] => {
    const resources = pages(
      (after) => views.resources.list({ after, limit: PAGE }),
      ({ client_id }) => client_id,
    )
    return [...resources].filter(({ disabled }) => !disabled).flatMap(({ metadata }) => metadata.scopes_supported)
  }, nowMs)
