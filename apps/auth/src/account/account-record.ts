import type { emailStream } from '../email-address/index.ts'
import type { RecordIn } from '../log/index.ts'
import type { userStream } from '../user/index.ts'

/** An event of the streams that an account is made of. */
export type AccountRecord = RecordIn<typeof userStream> | RecordIn<typeof emailStream>
