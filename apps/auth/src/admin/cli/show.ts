/** What a command answered, for users: one line an entry, or a member a line. */
export function show(answer: Readonly<Record<string, unknown>>): string {
  const [only, ...others] = Object.entries(answer)
  if (only !== undefined && others.length === 0 && Array.isArray(only[1])) return only[1].map(line).join('\n')
  return Object.entries(answer)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('\n')
}

function line(entry: unknown): string {
  if (typeof entry !== 'object' || entry === null) return String(entry)
  return isEvent(entry) ? eventLine(entry) : JSON.stringify(entry)
}

interface ShownEvent {
  readonly time: string
  readonly type: string
  readonly stream: string
  readonly revision: number
  readonly data: Readonly<Record<string, unknown>>
  readonly metadata: { readonly actor: { readonly type: string; readonly id: string } }
}

const isEvent = (entry: object): entry is ShownEvent => 'stream' in entry && 'revision' in entry && 'metadata' in entry

/** The members of an event that a user looks for; the whole of it is in `--json`. */
function facts(data: Readonly<Record<string, unknown>>): string {
  return Object.entries(data)
    .filter(([, value]) => typeof value !== 'object' || Array.isArray(value))
    .map(([name, value]) => `${name}=${Array.isArray(value) ? value.join(',') : String(value)}`)
    .join(' ')
}

const eventLine = ({ time, type, stream, revision, data, metadata: { actor } }: ShownEvent): string =>
  `${time}  ${type.padEnd(20)}  ${stream}@${revision}  by ${actor.type}${actor.id === '' ? '' : `:${actor.id}`}  ${facts(data)}`
