/** The load generator's process: takes jobs from its parent, one at a time, and sends back what each came to. */
import { isJob } from './job.ts'
import { runJob } from './run-job.ts'

process.once('disconnect', () => process.exit())
process.on('message', (message: unknown) => {
  if (!isJob(message)) return
  runJob(message).then(
    (measure) => process.send?.(measure),
    (error: unknown) => process.send?.({ kind: 'jobFailed', message: String(error) }),
  )
})
process.send?.({ kind: 'ready' })
