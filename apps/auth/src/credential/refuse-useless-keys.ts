import type { Jwks } from '@ledgate/oauth'
import type { z } from 'zod'
import { flawOf } from './usable-keys.ts'

interface WithKeys {
  readonly jwks?: Jwks | undefined
}

/** What is registered is used later: a key that could not be is refused now, while somebody can be told. */
export function refuseUselessKeys({ jwks }: WithKeys, context: z.RefinementCtx): void {
  for (const [index, key] of (jwks?.keys ?? []).entries()) {
    const message = flawOf(key)
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['jwks', 'keys', index], message })
  }
}
