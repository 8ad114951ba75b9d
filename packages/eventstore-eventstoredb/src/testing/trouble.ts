import { setTimeout as pause } from 'node:timers/promises'
import type { ProtocolNode } from './protocol-node.ts'
import type { ProtocolCluster } from './protocol-server.ts'

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export interface TroubleOptions {
  readonly random: () => number
  /** Milliseconds of the longest pause: above every time limit of whoever is tried. */
  readonly longestMs: number
}

/** What befalls a cluster: nodes lie still, lag, are killed, lose their lead and their connections. */
export interface Trouble {
  /** The next thing, at once. */
  next(): void
  /** Makes everything well again, and resolves when there is a leader. */
  heal(): Promise<void>
}

export function trouble(cluster: ProtocolCluster, { random, longestMs }: TroubleOptions): Trouble {
  const below = (count: number): number => Math.floor(random() * count)
  const anyNode = (): ProtocolNode => cluster.nodes[below(cluster.nodes.length)] as ProtocolNode
  const leader = (): ProtocolNode =>
    cluster.leader === undefined ? anyNode() : (cluster.nodes[cluster.leader] as ProtocolNode)
  const timers = new Set<NodeJS.Timeout>()
  const later = (work: () => void): void => {
    // As many short ones as long ones, whatever the longest is.
    const timer = setTimeout(() => (timers.delete(timer), work()), longestMs ** random())
    timers.add(timer)
  }

  const still = (node: ProtocolNode): void => {
    node.pause()
    later(() => node.resume())
  }
  const behind = (node: ProtocolNode): void => {
    node.lag(true)
    later(() => node.lag(false))
  }
  const killed = (node: ProtocolNode): void => {
    node.stop()
    later(() => void node.start())
  }
  const elected = (index: number): void => {
    try {
      cluster.lead(index)
    } catch {
      // It has not got what others have.
    }
  }
  const ALL: readonly (() => void)[] = [
    () => still(leader()),
    () => still(leader()),
    () => still(leader()),
    () => still(anyNode()),
    () => behind(anyNode()),
    () => behind(anyNode()),
    () => killed(anyNode()),
    () => elected(below(cluster.nodes.length)),
    () => void anyNode().cut(),
  ]

  return {
    next: () => ALL[below(ALL.length)]?.(),
    async heal() {
      timers.forEach(clearTimeout)
      timers.clear()
      for (;;) {
        for (const node of cluster.nodes) {
          node.resume()
          node.lag(false)
          await node.start()
        }
        if (cluster.leader !== undefined && leader().role === 'leader') return
        await pause(2)
      }
    },
  }
}
