import { developmentMasterKey, type MasterKeys, parseMasterKey } from '@ledgate/vault'
import type { Config } from '../config/index.ts'

/** The master keys that are configured, or that of the development folder. */
export function masterKeysOf(dataDir: string, configured: readonly string[]): MasterKeys {
  const [newest, ...older] = configured.map(parseMasterKey)
  return newest === undefined ? [developmentMasterKey(dataDir)] : [newest, ...older]
}

/** For opening a vault. */
export const wrappingKeys = ({ dataDir, masterKeys }: Config) => {
  const [masterKey, ...olderMasterKeys] = masterKeysOf(dataDir, masterKeys)
  return { masterKey, olderMasterKeys }
}
