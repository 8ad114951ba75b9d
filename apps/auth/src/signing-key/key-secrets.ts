import type { KeyVault } from '@ledgate/vault'

/** The secrets of the keys of one use, in the vault. */
export interface KeySecrets {
  get(kid: string): Promise<Uint8Array | undefined>
  /** Before any event names the key. */
  keep(kid: string, secret: Uint8Array): Promise<void>
  destroy(kids: readonly string[]): Promise<void>
  /** Destroys what the vault destroys now. @returns the keys whose secret is gone. */
  destroyWhatCanBe(kids: readonly string[]): Promise<string[]>
}

export function openKeySecrets(vault: KeyVault, use: string): KeySecrets {
  const nameOf = (kid: string) => `keyring/${use}/${kid}`

  async function destroyOne(kid: string): Promise<void> {
    if ((await vault.get(nameOf(kid))) !== undefined) await vault.destroy(nameOf(kid))
  }

  return {
    get: (kid) => vault.get(nameOf(kid)),
    keep: async (kid, secret) => void (await vault.putIfAbsent(nameOf(kid), secret)),
    async destroy(kids) {
      for (const kid of kids) await destroyOne(kid)
    },
    async destroyWhatCanBe(kids) {
      const tries = await Promise.allSettled(kids.map(destroyOne))
      return kids.filter((_, index) => tries[index]?.status === 'fulfilled')
    },
  }
}
