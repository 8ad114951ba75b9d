import type { emailStream } from '../email-address/events.ts'
import type { RecordIn } from '../log/index.ts'
import type { userStream } from '../user/events.ts'

/** An event of the streams that an account is made of. */
export type AccountRecord = RecordIn<typeof userStream> | RecordIn<typeof emailStream>
