export interface ProblemType {
  readonly status: number;
  readonly title: string;
}

/**
 * Every kind of trouble that a caller can hear of, and what it is in HTTP. The status is chosen by what the caller
 * should do next: mend the request (4xx), or try again later (503). Each kind has a paragraph in docs/problems.md.
 */
export const problems = {
  'invalid-request': { status: 422, title: 'The request does not match its schema' },
  'bad-request': { status: 400, title: 'The request cannot be understood' },
  unauthorized: { status: 401, title: 'Unauthorized' },
  'not-found': { status: 404, title: 'Not Found' },
  'method-not-allowed': { status: 405, title: 'Method Not Allowed' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'rate-limited': { status: 429, title: 'Rate limit exceeded' },
  'task-not-found': { status: 404, title: 'Task not found' },
  'task-exists': { status: 400, title: 'Task already exists' },
  'task-depends-on-itself': { status: 400, title: 'A task cannot depend on itself' },
  'dependency-cycle': { status: 400, title: 'Tasks wait for each other' },
  'dependencies-not-found': { status: 400, title: 'Dependency tasks not found' },
  'claim-mismatch': { status: 409, title: 'The claim does not hold the task' },
  'wrong-state': { status: 409, title: 'The task is in another state' },
  'schedule-not-found': { status: 404, title: 'Schedule not found' },
  'schedule-exists': { status: 409, title: 'Schedule already exists' },
  'schedule-overlaps': { status: 409, title: 'An earlier task of the schedule has not ended' },
  'idempotency-conflict': { status: 409, title: 'The idempotency key was used for another request' },
  'worker-not-found': { status: 404, title: 'Worker not found' },
  'worker-id-taken': { status: 409, title: 'The id belongs to a host' },
  'host-not-found': { status: 404, title: 'Host not found' },
  'host-id-taken': { status: 409, title: 'The id belongs to a worker' },
  'host-revoked': { status: 403, title: 'The host is revoked' },
  'job-not-found': { status: 404, title: 'Job not found' },
  'job-not-held': { status: 409, title: 'The host does not hold the job' },
  'service-not-found': { status: 404, title: 'Service not found' },
  'service-name-in-use': { status: 409, title: 'The name belongs to another service' },
  'service-not-assigned': { status: 409, title: 'The service is not assigned to the host' },
  'service-stopped': { status: 409, title: 'The service is stopped' },
  'invalid-endpoint': { status: 400, title: 'Invalid endpoint' },
  'public-api-disabled': { status: 503, title: 'The public API is disabled' },
  'public-key-invalid': { status: 401, title: 'The key of the public API is not valid' },
  'public-key-not-found': { status: 404, title: 'Public key not found' },
  'not-allowed-for-key': { status: 403, title: 'Not allowed for this key' },
  'quota-used-up': { status: 429, title: 'The monthly quota of the key is used up' },
  'payment-required': { status: 402, title: 'Payment required' },
  'payment-unsettled': { status: 503, title: 'It is not known yet whether the payment went through' },
  'facilitator-unreachable': { status: 503, title: 'The payment facilitator cannot be reached' },
  'facilitator-failed': { status: 502, title: 'The payment facilitator answered nothing useful' },
  'gateway-not-found': { status: 404, title: 'Gateway not found' },
  'invalid-gateway-host': { status: 400, title: 'Invalid gateway host' },
  'invalid-credential': { status: 400, title: 'The credential cannot be used' },
  'approval-not-found': { status: 404, title: 'Approval not found' },
  'approval-answered': { status: 409, title: 'The approval has been answered or has lapsed' },
  'no-gateway': { status: 503, title: 'No healthy gateway available' },
  'gateway-unreachable': { status: 503, title: 'The gateway cannot be reached' },
  'gateway-without-agent': { status: 503, title: 'The gateway has no connected agent' },
  'gateway-execution-failed': { status: 502, title: 'The gateway could not execute the action' },
  'too-many-streams': { status: 503, title: 'Too many streams' },
  'database-unavailable': { status: 503, title: 'The database is not available' },
  'insufficient-peers': { status: 503, title: 'Too few standbys are attached' },
  'replication-target-not-met': { status: 503, title: 'The standbys have not confirmed the change in time' },
  'shutting-down': { status: 503, title: 'This replica is shutting down' },
  'not-ready': { status: 503, title: 'This replica is not ready' },
  internal: { status: 500, title: 'Internal Server Error' },
} as const satisfies Record<string, ProblemType>;

export type ProblemKind = keyof typeof problems;
