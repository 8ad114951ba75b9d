import { LRUCache } from 'lru-cache'

/** Places that are remembered of one account or client; the least used leave first. */
export const PLACES = 20

/** Where an account or a client was used from before, with what is kept of each place. */
export interface KnownPlaces<Kept> {
  get(owner: string, place: string): Kept | undefined
  add(owner: string, place: string, kept: Kept): void
  forget(owner: string, place: string): void
  /** Whether anything is known of the owner at all. */
  has(owner: string): boolean
}

/** Only who proved to be the owner adds a place, so no one pushes out those of others with names that he made up. */
export function createKnownPlaces<Kept extends object>(remembered: number): KnownPlaces<Kept> {
  // By size and not by `max`, which sets the room for all of them aside at once.
  const owners = new LRUCache<string, LRUCache<string, Kept>>({ maxSize: remembered, sizeCalculation: () => 1 })
  return {
    get: (owner, place) => owners.get(owner)?.get(place),
    has: (owner) => owners.has(owner),
    forget: (owner, place) => void owners.get(owner)?.delete(place),
    add(owner, place, kept) {
      const places = owners.get(owner) ?? new LRUCache<string, Kept>({ max: PLACES })
      places.set(place, kept)
      owners.set(owner, places)
    },
  }
}
