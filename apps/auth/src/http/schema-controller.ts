const noCompiler = (): never => {
  throw new Error('the schema is not a zod schema')
}

/** For Fastify, which would load compilers of its own at every start: schemas here are of zod, or there are none. */
export const schemaController = {
  compilersFactory: { buildValidator: () => noCompiler, buildSerializer: () => noCompiler },
}
