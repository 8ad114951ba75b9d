import type { Server } from 'node:http'

/** Listens on a free port of 127.0.0.1, tells the parent which, and ends when the parent does. */
export function listenForParent(server: Server): void {
  process.once('disconnect', () => process.exit())
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    process.send?.({ kind: 'ready', port: typeof address === 'object' ? address?.port : undefined })
  })
}
