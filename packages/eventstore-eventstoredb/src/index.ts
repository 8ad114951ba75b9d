/** The event store on EventStoreDB or KurrentDB, by its own client. */
export {
  openEventStoreDBEventStore,
  type Counters,
  type EventStoreDBEventStore,
  type EventStoreDBEventStoreOptions,
} from './eventstoredb-event-store.ts'
