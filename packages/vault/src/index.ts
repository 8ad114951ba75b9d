/** Key storage with crypto-shredding: the vault port, and the sealing of personal data. */
export * from './encryption.ts'
export * from './key-vault.ts'
export * from './master-key.ts'
export * from './sealer.ts'
export * from './sealing.ts'
export * from './wrapping.ts'
