import { enableCompileCache } from 'node:module'

enableCompileCache() // the next start does not strip and compile every file again

const { serve } = await import('./serve.ts')
await serve()
