/** What tests of event-sourced code need: given/when/then, a clock, and the contract that every event store passes. */
export * from './contract/contract.ts'
export * from './contract/listener.ts'
export * from './contract/sample.ts'
export * from './fake-clock.ts'
export * from './specify.ts'
export * from './nth-position.ts'
