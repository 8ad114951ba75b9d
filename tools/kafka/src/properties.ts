export interface Listening {
  readonly data: string
  readonly port: number
  readonly controllerPort: number
  /** Where clients must use TLS and say who they are. */
  readonly secured?: SecuredListeners | undefined
}

interface SecuredListeners {
  readonly port: number
  readonly keystore: string
  readonly password: string
  readonly mutualPort: number
  /** `cert` is the file of the client that is let in. */
  readonly mutual: { readonly cert: string }
}

/** The `server.properties` of one node that is broker and controller, on loopback alone, with nothing kept for long. */
export function serverProperties({ data, port, controllerPort, secured }: Listening): string {
  const listeners = [
    `PLAINTEXT://127.0.0.1:${port}`,
    ...(secured ? [`SASL_SSL://127.0.0.1:${secured.port}`, `SSL://127.0.0.1:${secured.mutualPort}`] : []),
  ]
  const properties: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: [...listeners, `CONTROLLER://127.0.0.1:${controllerPort}`].join(','),
    'advertised.listeners': listeners.join(','),
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL',
    'log.dirs': `${data}/log`,
    'auto.create.topics.enable': false,
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // A consumer that joins alone need not wait for others.
    'group.initial.rebalance.delay.ms': 0,
    'num.network.threads': 1,
    'num.io.threads': 1,
    'background.threads': 2,
    'log.cleaner.dedupe.buffer.size': 4_194_304,
    ...(secured && securedProperties(secured)),
  }
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

/** The one user of the secured listener. */
export const USER = 'ledgate'

function securedProperties({ keystore, password, mutual }: SecuredListeners) {
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule'
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule'
  return {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'ssl.keystore.location': keystore,
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.password': password,
    'listener.name.ssl.ssl.client.auth': 'required',
    'listener.name.ssl.ssl.truststore.type': 'PEM',
    'listener.name.ssl.ssl.truststore.location': mutual.cert,
    'listener.name.sasl_ssl.plain.sasl.jaas.config': `${plain} required user_${USER}="${password}";`,
    'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config': `${scram} required;`,
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `${scram} required;`,
  }
}
