/** A clock that stands still until it is told to go. */
export interface FakeClock {
  (): number
  advance(by: number): void
}

/** A clock that shows `start`, in whatever unit its reader takes. */
export function fakeClock(start = 0): FakeClock {
  let now = start
  return Object.assign(() => now, {
    advance(by: number) {
      now += by
    },
  })
}
