import { z } from 'zod'
import type { IssuerEpoch } from '../../issuer-epoch/index.ts'
import { type ApplicationCommandDependencies, clientCommands, resourceCommands } from './applications.ts'
import { command, type Commands } from './command.ts'
import { Reason } from './input.ts'
import { type KeyCommandDependencies, keyCommands } from './keys.ts'
import { EventsQuery, listEvents } from './search-events.ts'
import { type UserCommandDependencies, userCommands } from './users.ts'
import { freshViews, type ShownViews } from './fresh-views.ts'

export interface OperatorDependencies
  extends ApplicationCommandDependencies, KeyCommandDependencies, UserCommandDependencies {
  readonly views: ShownViews
  readonly installation: Pick<IssuerEpoch, 'endAllTokens'>
  /** Reads the master keys again, and wraps with the first of them whatever another one wrapped. */
  rewrapVault(): Promise<number>
  /** Keys that were destroyed, and are still in the files of a database until it was scavenged. */
  pendingErasures(): Promise<
    readonly {
      readonly name: string
      readonly nodes: readonly string[]
      readonly behind: readonly string[]
      /** Milliseconds since the epoch. */
      readonly destroyed: number
    }[]
  >
}

/** The commands about the whole installation. */
const installationCommands = ({ installation, rewrapVault, pendingErasures }: OperatorDependencies): Commands => ({
  'vault pending': command(z.object({}), async () => ({
    pending: (await pendingErasures()).map(({ name, nodes, behind, destroyed }) => ({
      name,
      nodes: [...nodes],
      behind: [...behind],
      destroyed: new Date(destroyed).toISOString(),
    })),
  })),
  'vault rewrap': command(z.object({}), async () => ({ rewrapped: await rewrapVault() })),
  'tokens end-all': command(z.object({ reason: Reason }), ({ reason }, context) =>
    installation.endAllTokens(reason, context),
  ),
})

/** Everything an operator can do, by the words of the command line. */
export function operatorCommands(dependencies: OperatorDependencies): Commands {
  const views = freshViews(dependencies)
  return {
    ...userCommands(dependencies, views),
    ...clientCommands(dependencies, views),
    ...resourceCommands(dependencies, views),
    ...keyCommands(dependencies),
    ...installationCommands(dependencies),
    events: command(EventsQuery, async (query) => {
      const head = await views.upToNow()
      const { events, position } = await listEvents(dependencies.log, dependencies.views, { ...query, head })
      return { events, position }
    }),
  }
}
