/** A real Kafka broker for tests and development. */
export { startBroker, type BrokerOptions, type RunningBroker } from './broker.ts'
export { hasJava, installJars, isInstalled } from './jars.ts'
export { type Secured } from './secured.ts'
