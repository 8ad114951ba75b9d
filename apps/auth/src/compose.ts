import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Logger } from 'pino'
import { accountRoutes, linkRoutes } from './account/index.ts'
import { administrationResource, administrationRoutes, type Setup, openSetup, setupRoutes } from './admin/api/index.ts'
import { appliedBefore, applyBootstrap, readBootstrap } from './admin/bootstrap/index.ts'
import { listenForOperator } from './admin/socket/index.ts'
import { type OperatorCommand, operatorCommands } from './admin/commands/index.ts'
import { socketPath } from './admin/vocabulary/index.ts'
import {
  type ClientAuthentication,
  createClientAuthentication,
  createClientGuard,
  noClientLimits,
} from './client-authentication/index.ts'
import {
  checksOf,
  type Core,
  hearingNotes,
  hearingMetrics,
  mailMetrics,
  masterKeysOf,
  notesOf,
  openBacklogs,
  openCore,
  openFeed,
  openMail,
  openUsers,
  openPublishing,
  type OutgoingMail,
  ownedScopes,
  type Users,
  processMetrics,
  type Publishing,
  metricsOf,
  registeredOrigins,
  startBackground,
  systemContext,
  watchOutages,
  watchProgress,
} from './compose/index.ts'
import type { Config } from './config/index.ts'
import { discoveryRoutes } from './discovery/index.ts'
import { readiness } from './health/index.ts'
import { createRequestContext, type RequestContext } from './http/index.ts'
import { introspectionRoutes } from './introspection/index.ts'
import { devMailRoutes } from './mail/index.ts'
import { openMetrics } from './metrics/index.ts'
import { accountResource, openSelfService, selfServiceRoutes } from './self-service/index.ts'
import { registerBuiltIn } from './resource/index.ts'
import { revocationRoutes } from './token-revocation/index.ts'
import { buildServer } from './server.ts'
import { jwksRoutes } from './signing-key/index.ts'
import { grantTypes, tokenRoutes } from './token/index.ts'

/** Milliseconds for which a server that was told to stop still takes what was on its way to it. */
const DRAIN_MS = 250

/** A whole server; it does not listen yet. */
export interface Ledgate {
  readonly app: FastifyInstance
  /** The token that makes the first administrator, while there is none. */
  readonly setupToken: string | undefined
  /** Answers what was taken, finishes what is in hand, and lets go of the data folder. */
  close(): Promise<void>
}

/** The endpoints of OAuth over the parts. */
function oauthRoutes(
  core: Core,
  people: Users,
  requests: RequestContext,
  authentication: ClientAuthentication,
  { waitUntilPublished: published }: Publishing,
): FastifyPluginAsync[] {
  const { issuer, tokenCap } = core.config
  const { issuerEpoch } = core.installation
  const shared = { ...core, authentication, requests, issuer, issuerEpoch }
  const token = {
    ...shared,
    signIn: people.signIn,
    facts: { issuer, issuerEpoch },
    tokenCap,
  }
  return [
    async (app) => void (await app.register(tokenRoutes, token)),
    async (app) => void (await app.register(revocationRoutes, { ...shared, published })),
    async (app) => void (await app.register(introspectionRoutes, shared)),
  ]
}

/** Everything else that is spoken over HTTP. */
function otherRoutes(
  core: Core,
  { register, confirm }: Users,
  { mailbox }: OutgoingMail,
  requests: RequestContext,
): FastifyPluginAsync[] {
  const { config, signingKeys, views, clock } = core
  const { issuer } = config
  const metadata = { issuer, scopes: ownedScopes(views, clock.nowMs), grantTypes: Object.keys(grantTypes) }
  const accounts = { register, confirm, requestContext: requests }
  return [
    async (app) => void (await app.register(accountRoutes, accounts)),
    async (app) => void (await app.register(discoveryRoutes, metadata)),
    async (app) => void (await app.register(jwksRoutes, { signingKeys })),
    ...(mailbox === undefined
      ? []
      : [async (app: FastifyInstance) => void (await app.register(devMailRoutes, { mailbox }))]),
  ]
}

/** What users do with their own account, and the links of emails about it. */
function ownAccountOver(core: Core, people: Users, requests: RequestContext): FastifyPluginAsync[] {
  const { issuer, tokenCap } = core.config
  const { ownPassword: password, changeEmail, reset } = people
  const facts = { issuer, issuerEpoch: core.installation.issuerEpoch }
  const account = openSelfService({ ...core, ...facts, facts, tokenCap, password, email: changeEmail })
  const asked = { ...core, ...facts, account, requests }
  const links = { reset, changeEmail, requestContext: requests }
  return [
    async (app) => void (await app.register(selfServiceRoutes, asked)),
    async (app) => void (await app.register(linkRoutes, links)),
  ]
}

/** What administrators do; the first of them is made by the token of the console. */
function administration(core: Core, people: Users, firstSetup: Setup, requests: RequestContext): FastifyPluginAsync[] {
  const { issuer } = core.config
  const { log, administrators } = core
  const { issuerEpoch } = core.installation
  const administered = { ...core, issuer, issuerEpoch, requests, commands: commandsOf(core, people) }
  const { accounts, policy } = people
  const first = { setup: firstSetup, log, accounts, administrators, policy, requests }
  return [
    async (app) => void (await app.register(administrationRoutes, administered)),
    async (app) => void (await app.register(setupRoutes, first)),
  ]
}

async function bootstrap(
  { config, logger, log, names, clients, resources, keyedHash }: Core,
  { accounts }: Users,
): Promise<void> {
  const context = () => systemContext('bootstrap')
  for (const builtIn of [administrationResource(config.issuer), accountResource(config.issuer)])
    await registerBuiltIn({ log, resources, context }, builtIn)
  if (config.bootstrap === undefined) return
  const dependencies = { log, names, clients, resources, accounts, keyedHash, context }
  const file = await readBootstrap(config.bootstrap, {
    production: config.production,
    warn: (problem) =>
      logger.warn({ problem }, 'the bootstrap file has an entry that production, or a new installation, would reject'),
    wasApplied: appliedBefore(dependencies),
  })
  await applyBootstrap(file, dependencies)
}

/**
 * Puts the server together: the only place, with `compose/`, that names an adapter.
 *
 * @throws {Error} when another process has the data folder, the master key does not fit, or the bootstrap file is wrong.
 */
export async function compose(config: Config, logger: Logger): Promise<Ledgate> {
  const core = await openCore(config, logger)
  const people = openUsers(core)
  const backlogs = openBacklogs()
  const mail = openMail(core, backlogs.mail)
  await bootstrap(core, people)
  const requests = createRequestContext({
    key: core.sourceKey,
    newCommandId: randomUUID,
    proxies: config.trustedProxies,
  })
  const firstSetup = openSetup(core.administrators, core.clock)
  const metrics = openMetrics()
  metrics.watch(metricsOf(core))
  const { nowMs } = core.clock
  const ready = readiness(checksOf(core), { ...notesOf(backlogs, mail, nowMs), ...hearingNotes(core.hearings, nowMs) })
  metrics.watch(hearingMetrics(core.hearings, nowMs))
  metrics.watch([...processMetrics(backlogs, core.clock.nowMs), ...mailMetrics(mail, core.clock.nowMs)])
  const { issuer, limits } = config
  const guard = limits ? createClientGuard(limits.client, core.clock.nowMs) : noClientLimits
  const authentication = createClientAuthentication({ ...core, issuer, guard })
  const feed = openFeed(core, requests, authentication)
  const publishing = await openPublishing(core, feed.feed)
  metrics.watch([...feed.readings, ...publishing.readings])
  const app = await buildServer({
    issuer: config.issuer,
    logger,
    metrics,
    readiness: ready,
    origins: registeredOrigins(core.views, core.clock.nowMs),
    oauth: [...oauthRoutes(core, people, requests, authentication, publishing), feed.routes],
    others: [
      ...otherRoutes(core, people, mail, requests),
      ...ownAccountOver(core, people, requests),
      ...administration(core, people, firstSetup, requests),
    ],
  })
  const watched = watchOutages({ store: core.store, logger, nowMs: core.clock.nowMs })
  const followed = watchProgress({ views: core.views, logger, nowMs: core.clock.nowMs })
  const background = startBackground(core, people, mail, feed, publishing, backlogs)
  const control = await listenForOperator({
    path: socketPath(config.dataDir),
    commands: commandsOf(core, people),
    logger,
  })
  return {
    app,
    setupToken: (await core.administrators.isEmpty()) ? firstSetup.token : undefined,
    async close() {
      ready.drain()
      feed.drain()
      if (app.server.listening) await pause(DRAIN_MS)
      await control.close()
      await app.close()
      await background.stop()
      watched()
      followed()
      await publishing.close()
      await people.close()
      await core.close()
    },
  }
}

const commandsOf = (core: Core, { accounts }: Users): Readonly<Record<string, OperatorCommand>> =>
  operatorCommands({
    ...core,
    accounts,
    pendingErasures: core.storage.pendingErasures,
    rewrapVault: () => core.vault.rewrap(masterKeysOf(core.config.dataDir, core.config.readMasterKeys())),
  })

/** The operator's commands without a server: what opens the data folder for one of them. */
export async function openOperator(
  config: Config,
  logger: Logger,
): Promise<{ commands: Readonly<Record<string, OperatorCommand>>; close(): Promise<void> }> {
  const core = await openCore(config, logger)
  const people = openUsers(core)
  return {
    commands: commandsOf(core, people),
    async close() {
      await people.close()
      await core.close()
    },
  }
}
