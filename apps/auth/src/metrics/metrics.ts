import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** A number that is read when it is asked for. */
export interface Reading {
  readonly name: string
  readonly help: string
  readonly kind: 'gauge' | 'counter'
  /** The value, or one value for each label set. */
  read(): number | readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
  readonly labelNames?: readonly string[]
}

export interface Metrics {
  readonly contentType: string
  expose(): Promise<string>
  /** Adds numbers that a part of the server keeps itself. */
  watch(readings: readonly Reading[]): void
  /** Counts and times every request of the server. */
  observe(app: FastifyInstance): void
}

/** In seconds: from a signature to a queue of password hashes. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

function add(registry: Registry, reading: Reading): void {
  const labelNames = [...(reading.labelNames ?? [])]
  const options = { name: reading.name, help: reading.help, labelNames, registers: [registry] }
  const set = (write: (labels: Record<string, string>, value: number) => void) => {
    const value = reading.read()
    if (typeof value === 'number') write({}, value)
    else for (const each of value) write(each.labels, each.value)
  }
  if (reading.kind === 'gauge') {
    new Gauge({
      ...options,
      collect() {
        set((labels, value) => this.set(labels, value))
      },
    })
  } else {
    // The part counts by itself since it started; what we show is its own total.
    new Counter({
      ...options,
      collect() {
        this.reset()
        set((labels, value) => this.inc(labels, value))
      },
    })
  }
}

/** A registry of its own for each server, so that two servers in one process do not share numbers. */
export function openMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const duration = new Histogram({
    name: 'ledgate_http_request_duration_seconds',
    help: 'Time from reading the request to sending the answer, by route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [registry],
  })

  return {
    contentType: registry.contentType,
    expose: () => registry.metrics(),
    watch: (readings) => readings.forEach((reading) => add(registry, reading)),
    observe(app) {
      app.addHook('onResponse', (request, reply, done) => {
        const route = request.routeOptions.url ?? 'none'
        duration.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
        done()
      })
    },
  }
}
