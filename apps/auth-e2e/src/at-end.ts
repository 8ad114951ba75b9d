import { afterAll, onTestFinished, TestRunner } from 'vitest'

/** Undoes something when its time is over. */
export type AtEnd = (undo: () => unknown) => void

const ofFile: (() => unknown)[] = []

afterAll(async () => {
  for (const undo of ofFile.toReversed()) await undo()
})

/** The end of the test that asks; of the whole file, when its first test has not begun. */
export const endOfNow = (): AtEnd =>
  TestRunner.getCurrentTest() === undefined
    ? (undo) => void ofFile.push(undo)
    : (undo) => onTestFinished(async () => void (await undo()))
