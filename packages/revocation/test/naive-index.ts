import type { Ended } from '../src/statement/index.ts'
import type { TokenFacts } from '../src/revocation-index/index.ts'

/** Whether epochs of a token are below what a notice says: those of the issuer first, where the notice says one. */
const isBelow = (
  issuerEpoch = -1,
  epoch = -1,
  said: { readonly epoch: number; readonly issuer_epoch?: number | undefined },
) =>
  said.issuer_epoch === undefined || said.issuer_epoch === issuerEpoch
    ? epoch < said.epoch
    : issuerEpoch < said.issuer_epoch

/** Whether one ending, taken alone, ends a token: the rules of death as the document of the format says them. */
export function ends(ended: Ended, token: TokenFacts): boolean {
  switch (ended.scope) {
    case 'issuer':
      return (token.issuer_epoch ?? -1) < ended.epoch
    case 'client':
      return token.client_id === ended.id && isBelow(token.issuer_epoch, token.client_epoch, ended)
    case 'user':
      return token.sub === ended.id && isBelow(token.issuer_epoch, token.user_epoch, ended)
    case 'session':
      return token.sid === ended.id
    case 'online_session':
      return token.sid === ended.id && !token.isOffline
    case 'grant':
      return token.gid === ended.id
    case 'jti':
      return token.jti === ended.id
    case 'key':
      return token.kid === ended.id
  }
}

/** Whether a token is dead when everything that was ever said is kept and asked one by one. */
export const isDead = (all: readonly Ended[], token: TokenFacts): boolean => all.some((ended) => ends(ended, token))
