import type { Connection, Outcome } from './connection.ts'
import type { Job, Workload } from './job.ts'
import { formRequest } from './request.ts'

/** What one connection says next, given what it heard. */
export interface Caller {
  next(): string
  heard(outcome: Outcome): void
}

/** @throws {Error} when a grant cannot be opened for a refresh workload. */
export async function caller(job: Job, connection: Connection, index: number): Promise<Caller> {
  const { workload } = job
  if (workload.kind === 'repeat') return repeating(workload.requests, index)
  const opened = await openGrant(workload, connection, index)
  return refreshing(job.port, workload, opened)
}

function repeating(requests: readonly string[], index: number): Caller {
  let at = index % requests.length
  const only = requests.length === 1 ? requests[0] : undefined
  return {
    next: () => only ?? requests[at++ % requests.length] ?? '',
    heard: () => {},
  }
}

type Refresh = Extract<Workload, { kind: 'refresh' }>

async function openGrant({ open }: Refresh, connection: Connection, index: number): Promise<string> {
  const request = open[index % open.length] ?? ''
  const outcome = await new Promise<Outcome>((resolve) => connection.exchange(request, resolve))
  const token = outcome === 'broken' ? undefined : refreshTokenOf(outcome.body)
  if (token === undefined) throw new Error(`no refresh token: ${outcome === 'broken' ? outcome : outcome.status}`)
  return token
}

function refreshing(port: number, { path, authorization }: Refresh, first: string): Caller {
  let newest = first
  return {
    next: () => formRequest({ port, path, authorization }, { grant_type: 'refresh_token', refresh_token: newest }),
    heard(outcome) {
      if (outcome !== 'broken' && outcome.status === 200) newest = refreshTokenOf(outcome.body) ?? newest
    },
  }
}

const REFRESH_TOKEN = /"refresh_token"\s*:\s*"([^"]+)"/
const refreshTokenOf = (body: string): string | undefined => REFRESH_TOKEN.exec(body)?.[1]
