import type { JsonObject } from '@ledgate/eventsourcing'
import { z } from 'zod'
import type { DerivationKeys, SigningKeys } from '../../signing-key/index.ts'
import { command, type Commands } from './command.ts'
import { text } from './input.ts'

type Ring<Keys extends Record<'read' | 'rotate' | 'compromise', unknown>> = Pick<Keys, 'read' | 'rotate' | 'compromise'>

export interface KeyCommandDependencies {
  readonly signingKeys: Ring<SigningKeys>
  readonly feedKeys: Ring<SigningKeys>
  readonly derivationKeys: Ring<DerivationKeys>
}

const Use = z.object({ use: z.enum(['signing', 'feed', 'derivation']) })
const KeyOf = Use.extend({ kid: text })

/** The commands about keys. */
export function keyCommands({ signingKeys, feedKeys, derivationKeys }: KeyCommandDependencies): Commands {
  const rings = { signing: signingKeys, feed: feedKeys, derivation: derivationKeys }
  const shown = async (use: keyof typeof rings) =>
    (await rings[use].read()).keys.map(({ public_jwk: _, ...key }) => ({ use, ...key }) as JsonObject)
  return {
    'keys list': command(z.object({}), async () => ({
      keys: [...(await shown('signing')), ...(await shown('feed')), ...(await shown('derivation'))],
    })),
    'keys rotate': command(Use, async ({ use }, context) => rings[use].rotate(context)),
    'keys compromise': command(KeyOf, async ({ use, kid }, context) => rings[use].compromise(kid, context)),
  }
}
