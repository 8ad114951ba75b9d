import type { Command } from 'commander'
import { SUMMARIES } from '../vocabulary/index.ts'

/** Runs a command by its words, wherever that is. */
export type Ask = (command: string, input: Record<string, unknown>) => Promise<Record<string, unknown>>

/** What the groups of commands are built on. */
export interface CommandLine {
  readonly root: Command
  readonly ask: Ask
  /** Asks, and prints the answer. */
  run(command: string, input?: Record<string, unknown>): Promise<void>
  /** Prints an answer. */
  answer(value: Record<string, unknown>): void
  /** Writes a line to standard output. */
  print(line: string): void
  /** Whether answers are printed as JSON. */
  isJson(): boolean
}

/** Collects an option that may be given any number of times. */
export const repeated = (value: string, before: string[] = []): string[] => [...before, value]

/** A group of commands: the first word of each. */
export const group = ({ root }: CommandLine, noun: string, what: string): Command =>
  root.command(noun).description(what)

/** A command of the vocabulary, under its last word, described as the API describes it. */
export function command(parent: Command, words: string): Command {
  const summary = SUMMARIES[words]
  if (summary === undefined) throw new TypeError(`${words} is not in the vocabulary`)
  return parent.command(words.split(' ').at(-1) ?? words).description(summary)
}

/** The spelling of an older version, which is not listed any longer. */
export const formerly = ({ root }: CommandLine, name: string): Command => root.command(name, { hidden: true })
