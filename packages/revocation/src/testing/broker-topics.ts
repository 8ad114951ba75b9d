import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Admin } from 'kafkajs'
import type { Broker } from './broker.ts'

/** What an administrator does to topics. */
export function topicsOf(brokers: readonly string[]): Pick<Broker, 'truncate' | 'deleteTopic' | 'setTopic'> {
  const asAdmin = async (work: (admin: Admin) => Promise<void>) => {
    // Only who does this needs kafkajs; everybody else who tests with this package does not.
    const { Kafka, logLevel } = await import('kafkajs')
    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    try {
      await work(admin)
    } finally {
      await admin.disconnect()
    }
  }
  return {
    truncate: (topic) =>
      asAdmin(async (admin) => {
        const [end] = await admin.fetchTopicOffsets(topic)
        await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: end?.high ?? '-1' }] })
      }),
    deleteTopic: (topic) => asAdmin((admin) => admin.deleteTopics({ topics: [topic] })),
    setTopic: (topic, setting, value) =>
      asAdmin(async (admin) => {
        const { ConfigResourceTypes, ConfigSource } = (await import('kafkajs')).default
        const topicOf = { type: ConfigResourceTypes.TOPIC, name: topic }
        const { resources } = await admin.describeConfigs({ resources: [topicOf], includeSynonyms: false })
        // Whoever alters one has to say all that were set.
        const before =
          resources[0]?.configEntries.filter((each) => each.configSource === ConfigSource.TOPIC_CONFIG) ?? []
        const others = before.filter(({ configName }) => configName !== setting)
        const configEntries = others.map(({ configName: name, configValue }) => ({ name, value: configValue }))
        if (value !== undefined) configEntries.push({ name: setting, value })
        await admin.alterConfigs({ validateOnly: false, resources: [{ ...topicOf, configEntries }] })
      }),
  }
}

/** Damages a topic of the broker that keeps everything in a folder. */
export const damageIn =
  (data: string): Broker['damage'] =>
  async (topic, text) => {
    const folder = join(data, 'log', `${topic}-0`)
    const segments = (await readdir(folder)).filter((name) => name.endsWith('.log'))
    const damaged = await Promise.all(segments.map((name) => damageFile(join(folder, name), text)))
    if (!damaged.includes(true)) throw new Error(`${topic} has no such text`)
  }

/** @returns whether the text stands there. */
async function damageFile(path: string, text: string): Promise<boolean> {
  const bytes = await readFile(path)
  const file = await open(path, 'r+')
  try {
    let at = bytes.indexOf(text)
    const isThere = at >= 0
    for (; at >= 0; at = bytes.indexOf(text, at + text.length)) await file.write('~', at + text.length - 1)
    return isThere
  } finally {
    await file.close()
  }
}
