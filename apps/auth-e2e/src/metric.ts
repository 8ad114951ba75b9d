import { send } from './requests.ts'

/** What the server at an address says of one of its numbers. @throws {Error} when it does not say it. */
export async function metricOf(url: string, name: string): Promise<number> {
  const { text } = await send(`${url}/metrics`)
  const [, value] = new RegExp(`^${name} (\\S+)$`, 'm').exec(text) ?? []
  if (value === undefined) throw new Error(`${url} says nothing of ${name}`)
  return Number(value)
}
