import { expect, it } from 'vitest'
import { createOutageReporter } from './outage.ts'

it('says in the log why the store cannot be used, once a minute, and when it can be again', () => {
  let now = 0
  let health: { ok: true } | { ok: false; reason: string } = { ok: true }
  const said: string[] = []
  const look = createOutageReporter({
    store: { health: () => health },
    logger: {
      error: ({ reason }: { reason: string }) => void said.push(`${now}: ${reason}`),
      info: () => void said.push(`${now}: again`),
    } as never,
    nowMs: () => now,
  })
  for (; now < 200_000; now += 1_000) {
    if (now === 10_000) health = { ok: false, reason: 'no server' }
    if (now === 150_000) health = { ok: true }
    look()
  }
  expect(said).toEqual(['10000: no server', '70000: no server', '130000: no server', '150000: again'])
})
