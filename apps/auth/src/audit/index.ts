/** Who did what, when: an index of the log. */
export { audit } from './projection.ts'
export { auditQueries, type AuditQueries, type AuditQuery } from './queries.ts'
