/** Every type of event there is. */
export { catalogue } from './catalogue.ts'
export {
  codec,
  decode,
  definitionOf,
  type DomainEvent,
  type DomainRecord,
  encode,
  eventDefinitions,
} from './definitions.ts'
export { mayFill } from './filling.ts'
