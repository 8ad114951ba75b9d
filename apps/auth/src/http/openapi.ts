import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'

/** Describes the routes that are registered after this at `/openapi.json`, from the schemas that check them. */
export async function installOpenApi(app: FastifyInstance, issuer: string): Promise<void> {
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Ledgate',
        description: 'Accounts, sign-in and tokens on an event log.',
        version: '0.1.0',
      },
      servers: [{ url: issuer }],
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'an access token, RFC 6750' } },
      },
    },
    transform: jsonSchemaTransform,
  })
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
}
