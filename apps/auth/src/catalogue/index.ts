/** Every type of event there is. */
export { catalogue } from './catalogue.ts'
export { decode, type DomainEvent, type DomainRecord, eventDefinitions } from './definitions.ts'
