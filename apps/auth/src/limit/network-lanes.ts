import { LRUCache } from 'lru-cache'
import type { SourceLane } from './source-lane.ts'

export interface NetworkLanesOptions {
  /** Lanes that one network has for itself at most; what is beyond shares one more. */
  readonly perNetwork: number
  /** Lanes of all networks; those of the networks that were heard of least lately leave first. */
  readonly remembered: number
  /** A new lane, without an owner yet. */
  make(): SourceLane
}

/** The tries of networks at accounts or clients, by the name they are made at: whether anybody has it is no matter. */
export interface NetworkLanes {
  /** The lane, if it says anything. */
  find(network: string, name: string): SourceLane | undefined
  /** The lane, made if need be. */
  take(network: string, name: string): SourceLane
  /** Lanes that are kept. */
  readonly size: number
}

/** What a network shares among the names that are too many. */
const OTHERS = ''

/** A success at one name says nothing about the others. */
const shared = (lane: SourceLane): SourceLane => ({
  ...lane,
  succeed: () => {},
  leave: (end) => lane.leave(end === 'succeeded' ? 'abandoned' : end),
})

/**
 * Failures in memory, shared fairly: a network that tries many names fills its own part, where what is too many counts
 * together, and pushes out nothing of anybody else, nor what it did itself at another name.
 *
 * A network of which too many others made the table forget has gained no more than a network that was never seen.
 */
export function createNetworkLanes({ perNetwork, remembered, make }: NetworkLanesOptions): NetworkLanes {
  const networks = new LRUCache<string, Map<string, SourceLane>>({
    maxSize: Math.max(remembered, perNetwork + 1),
    sizeCalculation: (lanes) => Math.max(1, lanes.size),
  })

  function room(lanes: Map<string, SourceLane>, name: string): string {
    if (lanes.size < perNetwork) return name
    for (const [other, lane] of lanes) if (other !== OTHERS && lane.isIdle()) lanes.delete(other)
    return lanes.size < perNetwork ? name : OTHERS
  }

  return {
    find(network, name) {
      const lanes = networks.get(network)
      return lanes && (lanes.get(name) ?? (lanes.size >= perNetwork ? lanes.get(OTHERS) : undefined))
    },

    take(network, name) {
      const lanes = networks.get(network) ?? new Map<string, SourceLane>()
      const known = lanes.get(name)
      if (known !== undefined) return known
      const own = room(lanes, name)
      const lane = lanes.get(own) ?? (own === OTHERS ? shared(make()) : make())
      lanes.set(own, lane)
      networks.set(network, lanes)
      return lane
    },

    get size() {
      return networks.calculatedSize
    },
  }
}
