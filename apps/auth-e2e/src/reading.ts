import { setTimeout as pause } from 'node:timers/promises'

/** What comes of a response that goes on and on. */
export interface Reading {
  readonly status: number
  /** When this has come. @throws {Error} when the response ended without. */
  until(text: string): Promise<void>
  /** All of it, once it has ended. @throws {TypeError} when it broke off. */
  readonly whole: Promise<string>
}

/** Opens a response that goes on and on, and reads it as it comes. */
export async function read(url: string, headers: Readonly<Record<string, string>>): Promise<Reading> {
  const response = await fetch(url, { headers })
  let text = ''
  let isOver = false

  async function readAll(): Promise<string> {
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) text += part
    return text
  }
  const whole = readAll().finally(() => (isOver = true))
  whole.catch(() => undefined) // Resolves the waiting reader.

  return {
    status: response.status,
    whole,
    async until(expected) {
      for (; !text.includes(expected); await pause(10))
        if (isOver) throw new Error(`it ended without ${expected}: ${text}`)
    },
  }
}
