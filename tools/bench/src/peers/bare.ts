/** Peer: what Fastify and the load generator can do at all. The route answers a constant. */
import { fastify } from 'fastify'
import { listenForParent } from './listen.ts'

const app = fastify()
app.get('/', () => ({ ok: true }))
await app.ready()
listenForParent(app.server)
