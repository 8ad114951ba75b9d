/** The orders API of the demo, beside a server that `npm start` started: `npm run demo`. */
import { createVerifier } from '@ledgate/verifier'
import { httpRevocations } from '@ledgate/verifier/http'
import { kafkaRevocations } from '@ledgate/verifier/kafka'
import { ordersApi } from './api.ts'
import { readSettings } from './settings.ts'

const { port, issuer, audience, clientId, clientSecret, brokers } = readSettings(process.env)
const overHttp = httpRevocations({ issuer, clientId, clientSecret })
const verifier = createVerifier({
  issuer,
  audience,
  revocations: brokers === undefined ? overHttp : [kafkaRevocations({ brokers, clientId }), overHttp],
})

await verifier.start()
const api = ordersApi(verifier)
await api.listen({ host: '127.0.0.1', port })
console.log(`the orders API listens at http://127.0.0.1:${port} and trusts ${issuer}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void api.close().then(() => verifier.close()))
