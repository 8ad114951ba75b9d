import { randomUUID } from 'node:crypto'

export interface Order {
  readonly id: string
  readonly item: string
  readonly quantity: number
  /** The `sub` of the user who ordered. */
  readonly orderedBy: string
}

/** Something that happened to an order. */
export interface OrderEvent {
  readonly kind: 'placed' | 'cancelled'
  readonly order: Order
}

/** Orders in memory: what they are is not what this demonstrates. */
export interface Orders {
  all(): readonly Order[]
  place(order: Omit<Order, 'id'>): Order
  /** The order that is cancelled now; `undefined` when there is none of that id. */
  cancel(id: string): Order | undefined
  /** Tells of everything from now on. @returns how to stop that. */
  follow(listener: (event: OrderEvent) => void): () => void
}

export function orders(): Orders {
  const kept = new Map<string, Order>()
  const listeners = new Set<(event: OrderEvent) => void>()
  const tell = (event: OrderEvent): void => listeners.forEach((listener) => listener(event))
  return {
    all: () => [...kept.values()],
    place(order) {
      const placed = { id: randomUUID(), ...order }
      kept.set(placed.id, placed)
      tell({ kind: 'placed', order: placed })
      return placed
    },
    cancel(id) {
      const order = kept.get(id)
      if (order === undefined) return undefined
      kept.delete(id)
      tell({ kind: 'cancelled', order })
      return order
    },
    follow(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
