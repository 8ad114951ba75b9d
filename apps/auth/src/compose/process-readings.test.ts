import { expect, it } from 'vitest'
import { notesOf, openBacklogs, processMetrics } from './process-readings.ts'

const NOW = 1_790_000_000_000
const nothing = { sent: 0, failedTries: 0, givenUp: 0, waiting: 0, waitingSince: undefined }

it('each process that goes on by itself is shown by readiness and in numbers while something of it fails', () => {
  const backlogs = openBacklogs()
  const mail = { sending: { state: () => nothing } }
  const notes = notesOf(backlogs, mail, () => NOW)
  const readings = processMetrics(backlogs, () => NOW)
  const numbers = (process: string) =>
    readings.map(({ read }) =>
      [read()].flat().find((each) => typeof each === 'object' && each.labels['process'] === process),
    )
  expect(Object.keys(notes)).toEqual(Object.keys(backlogs))
  for (const [name, each] of Object.entries(backlogs)) {
    expect(notes[name]?.()).toBeUndefined()
    each.failed('one', NOW - 5_000)
    each.failed('two', NOW - 9_000)
    each.failed('two', NOW - 1_000)
    expect(notes[name]?.()).toBe('2 step(s) failed and are tried again; the first was due 9 s ago')
    expect(numbers(name)).toMatchObject([{ value: 3 }, { value: 2 }, { value: 9 }])
    for (const id of ['one', 'two']) each.over(id)
    expect(notes[name]?.()).toBeUndefined()
    expect(numbers(name)).toMatchObject([{ value: 3 }, { value: 0 }, { value: 0 }])
  }
})

it('unsent emails are reported as such', () => {
  const state = () => ({ ...nothing, waiting: 3, waitingSince: NOW - 2_000 })
  const backlogs = openBacklogs()
  backlogs.mail.failed('x', NOW)
  const notes = notesOf(backlogs, { sending: { state } }, () => NOW)
  expect(notes['mail']?.()).toBe('3 mail(s) did not leave and are tried again; one was asked for 2 s ago')
})
