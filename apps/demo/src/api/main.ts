/** The orders API of the demo, beside a server that `npm start` started: `npm run demo`. */
import { serve } from './serve.ts'

await serve()
