import 'reflect-metadata'
import { createServer } from 'node:http'
import { serve } from '@hono/node-server'
import { Controller, Get, Module, Post, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { expressAuth } from '../../src/express/index.ts'
import { type AuthOptions, principalOf, type RequestVerifier } from '../../src/request/index.ts'
import { fastifyAuth } from '../../src/fastify/index.ts'
import { guard } from '../../src/guard/guard.ts'
import { honoAuth } from '../../src/hono/index.ts'
import { koaAuth } from '../../src/koa/index.ts'
import { CurrentPrincipal, nestAuth } from '../../src/nest/index.ts'
import { nodeAuth } from '../../src/node/index.ts'
import type { Principal } from '../../src/principal/principal.ts'
import { type Listening, listening, serving } from './listening.ts'

/** What is needed for each of the paths that all servers have. */
export const GUARDS = {
  '/orders': guard.scopes('orders:read'),
  '/orders/write': guard.scopes('orders:read', 'orders:write'),
  '/transfer': guard.acr('urn:example:mfa', 300),
  '/admin': guard.role('admin'),
}
type Path = keyof typeof GUARDS
const PATHS = Object.keys(GUARDS) as Path[]

/** Serves all paths, by any method, in one framework. */
export type Serve = (verifier: RequestVerifier, options?: AuthOptions) => Promise<Listening>

const greeting = ({ sub }: Principal) => `hello ${sub}`

async function withNode(verifier: RequestVerifier, options?: AuthOptions): Promise<Listening> {
  const auth = nodeAuth(verifier, options)
  return serving((request, response) => {
    const path = (request.url ?? '').split('?')[0] as Path
    const work = async () => {
      const principal = await auth.handle(request, response, GUARDS[path])
      if (principal) response.end(greeting(principal))
    }
    work().catch(() => response.writeHead(500).end())
  })
}

async function withFastify(verifier: RequestVerifier, options?: AuthOptions): Promise<Listening> {
  const auth = fastifyAuth(verifier, options)
  const app = fastify()
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )
  for (const path of PATHS)
    app.route({
      method: ['GET', 'POST'],
      url: path,
      preHandler: auth.require(GUARDS[path]),
      handler: async (request) => greeting(principalOf(request)),
    })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { ...(await listening(app.server)), close: () => app.close() }
}

async function withExpress(verifier: RequestVerifier, options?: AuthOptions): Promise<Listening> {
  const auth = expressAuth(verifier, options)
  const app = express().set('env', 'test')
  app.use(express.urlencoded())
  for (const path of PATHS)
    app.all(path, auth.require(GUARDS[path]), (request, response) => void response.send(greeting(principalOf(request))))
  return serving(app)
}

async function withKoa(verifier: RequestVerifier, options?: AuthOptions): Promise<Listening> {
  const auth = koaAuth(verifier, options)
  const app = new Koa({ env: 'test' })
  app.silent = true
  const guards = Object.fromEntries(PATHS.map((path) => [path, auth.require(GUARDS[path])]))
  app.use(async (context, next) => guards[context.path]?.(context, next))
  app.use((context) => void (context.body = greeting(principalOf(context))))
  return serving(app.callback())
}

async function withHono(verifier: RequestVerifier, options?: AuthOptions): Promise<Listening> {
  const auth = honoAuth(verifier, options)
  const app = new Hono()
  for (const path of PATHS)
    app.all(path, auth.require(GUARDS[path]), (context) => context.text(greeting(principalOf(context))))
  app.onError((_, context) => context.body(null, 500))
  const server = await new Promise<ReturnType<typeof createServer>>((resolve) => {
    const started = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1', createServer }, () =>
      resolve(started as ReturnType<typeof createServer>),
    )
  })
  return listening(server)
}

/** A controller as decorators would make it: they are called by hand, since they are no part of the language yet. */
function controllerOf(verifier: RequestVerifier, options?: AuthOptions) {
  const auth = nestAuth(verifier, options)
  class Orders {}
  PATHS.forEach((path, index) => {
    for (const [method, route] of [Get, Post].entries()) {
      const name = `answer${index}by${method}`
      // Nest keeps what it is told on the function, so each route has its own.
      const value = (principal: Principal) => greeting(principal)
      const descriptor = { value, writable: true, configurable: true }
      Object.defineProperty(Orders.prototype, name, descriptor)
      route(path)(Orders.prototype, name, descriptor)
      UseGuards(auth.require(GUARDS[path]))(Orders.prototype, name, descriptor)
      CurrentPrincipal()(Orders.prototype, name, 0)
    }
  })
  Controller()(Orders)
  return Orders
}

async function withNest(verifier: RequestVerifier, options?: AuthOptions): Promise<Listening> {
  class App {}
  Module({ controllers: [controllerOf(verifier, options)] })(App)
  const app = await NestFactory.create(App, { logger: false })
  await app.listen(0, '127.0.0.1')
  return { ...(await listening(app.getHttpServer())), close: () => app.close() }
}

export const SERVERS: Readonly<Record<string, Serve>> = {
  node: withNode,
  fastify: withFastify,
  express: withExpress,
  koa: withKoa,
  hono: withHono,
  nest: withNest,
}
