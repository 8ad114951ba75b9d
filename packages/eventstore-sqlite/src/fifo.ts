/** A first-in, first-out queue. `Array.shift` would move all remaining items for each one that is taken. */
export class Fifo<Item> {
  #incoming: Item[] = []
  #outgoing: Item[] = []

  get size(): number {
    return this.#incoming.length + this.#outgoing.length
  }

  push(item: Item): void {
    this.#incoming.push(item)
  }

  shift(): Item | undefined {
    if (this.#outgoing.length === 0) {
      this.#outgoing = this.#incoming.reverse()
      this.#incoming = []
    }
    return this.#outgoing.pop()
  }
}
