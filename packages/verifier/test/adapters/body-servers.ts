import 'reflect-metadata'
import { createServer, type IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import { getRequestListener } from '@hono/node-server'
import { Controller, HttpCode, Module, Post, Req, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { expressAuth } from '../../src/express/index.ts'
import { fastifyAuth } from '../../src/fastify/index.ts'
import { honoAuth } from '../../src/hono/index.ts'
import type { Verifier } from '../../src/index.ts'
import { koaAuth } from '../../src/koa/index.ts'
import { nestAuth } from '../../src/nest/index.ts'
import { nodeAuth } from '../../src/node/index.ts'
import { type Listening, listening } from './listening.ts'

/** Serves POST requests whose handler reads the body, behind a guard that stands before the body; `placed` is told each of them. */
export type Serve = (verifier: Verifier, placed: (order: unknown) => void, reached: () => void) => Promise<Listening>

export const BODY_SERVERS: Readonly<Record<string, Serve>> = {
  async node(verifier, placed, reached) {
    const auth = nodeAuth(verifier)
    const handle = async (request: IncomingMessage) => placed(await json(request))
    return listening(
      createServer((request, response) => {
        auth
          .handle(request, response)
          .then(async (principal) => {
            if (principal === undefined) return
            reached()
            await handle(request)
            response.end('placed')
          })
          .catch(() => (response.headersSent ? response.destroy() : response.writeHead(500).end()))
      }),
    )
  },
  async fastify(verifier, placed, reached) {
    const app = fastify()
    const passed = async () => reached()
    app.post('/', { onRequest: [fastifyAuth(verifier).require(), passed] }, async (request) => {
      placed(request.body)
      return 'placed'
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return { ...(await listening(app.server)), close: () => app.close() }
  },
  async express(verifier, placed, reached) {
    const app = express()
    const passed: express.RequestHandler = (_request, _response, next) => {
      reached()
      next()
    }
    app.post('/', expressAuth(verifier).require(), passed, express.json(), (request, response) => {
      placed(request.body)
      response.send('placed')
    })
    return listening(createServer(app))
  },
  async koa(verifier, placed, reached) {
    const app = new Koa()
    app.silent = true
    app.use(koaAuth(verifier).require()).use(async (context) => {
      reached()
      placed(await json(context.req))
      context.body = 'placed'
    })
    return listening(createServer(app.callback()))
  },
  async hono(verifier, placed, reached) {
    const app = new Hono()
    app.onError((_, context) => context.text('failed', 500))
    app.post('/', honoAuth(verifier).require(), async (context) => {
      reached()
      placed(await context.req.json())
      return context.text('placed')
    })
    return listening(createServer(getRequestListener(app.fetch)))
  },
  /** Whose body is read by the handler: by itself Nest reads it before it asks a guard. */
  async nest(verifier, placed, reached) {
    const passed = { canActivate: () => (reached(), true) }
    class Orders {
      async place(request: IncomingMessage) {
        placed(await json(request))
        return 'placed'
      }
    }
    // As decorators would do it: they are no part of the language yet.
    const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, 'place') ?? {}
    Post()(Orders.prototype, 'place', descriptor)
    UseGuards(nestAuth(verifier).require(), passed)(Orders.prototype, 'place', descriptor)
    HttpCode(200)(Orders.prototype, 'place', descriptor)
    Req()(Orders.prototype, 'place', 0)
    Controller()(Orders)
    class App {}
    Module({ controllers: [Orders] })(App)
    const app = await NestFactory.create(App, { logger: false, bodyParser: false })
    await app.listen(0, '127.0.0.1')
    return { ...(await listening(app.getHttpServer())), close: () => app.close() }
  },
}
