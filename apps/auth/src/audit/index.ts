/** Who did what, when: an index of the log. */
export { audit } from './projection.ts'
export { type AuditQueries, auditQueries, type AuditQuery } from './queries.ts'
