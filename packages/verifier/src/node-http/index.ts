/** What the frameworks on `node:http` have in common: their requests, and answering them. */
export { answerBy, canAnswer, recheckAtEnd } from './answering.ts'
export { fromExpress } from './express-request.ts'
export { fromFastify } from './fastify-request.ts'
export { fromNode } from './node-request.ts'
