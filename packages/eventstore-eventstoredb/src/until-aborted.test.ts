import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { untilAborted } from './until-aborted.ts'

const never = () => Promise.withResolvers<never>().promise

test('work is not started when the signal was aborted before', async () => {
  let isStarted = false
  const waiting = untilAborted(AbortSignal.abort('no longer needed'), () => {
    isStarted = true
    return never()
  })
  await expect(waiting).rejects.toBe('no longer needed')
  expect(isStarted).toBe(false)
})

test('an abort ends the wait for work that never settles, with the reason of the signal', async () => {
  const stop = new AbortController()
  const waiting = untilAborted(stop.signal, never)
  stop.abort('no longer needed')
  await expect(waiting).rejects.toBe('no longer needed')
})

test('the result and the error of the work are passed on, and no listener stays on the signal', async () => {
  const { signal } = new AbortController()
  expect(await untilAborted(signal, async () => 'done')).toBe('done')
  await expect(untilAborted(signal, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
