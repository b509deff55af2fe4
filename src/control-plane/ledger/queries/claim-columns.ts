// What a claim writes and tells, with the lock of a project and without: pieces of SQL.
import { appendSteps, type EventColumns } from '../../events/index.js';
import { GATE } from '../domain/gate.js';
import { isServed } from './discovery.js';
import { RUNNING_EVENT } from './lease.queries.js';
import { isPausedGateway } from './pause.queries.js';
import { WRITER } from './writer.js';

export const NEW_TOKEN = `encode(uuid_send(gen_random_uuid()), 'hex')`;

/**
 * What a claim writes. `claim` offers `worker_id`, `token`, and for a dispatcher that starts the task `gateway_id`. Such a
 * start commits the execution's key and gateway before anything is sent, so that whoever comes after a crash asks the
 * same gateway for the same execution.
 */
export const claimColumns = (
  claim: string,
  started: string,
  more = '',
): string => `${more}status = case when ${started} then 'running' else 'claimed' end, gate = ${GATE.held}, holder = $1::text,
       locked_by = ${claim}.worker_id, claim_token = ${claim}.token, locked_at = now(),
       dispatch_key = case when ${claim}.gateway_id is null then t.dispatch_key else coalesce(t.dispatch_key, ${claim}.token) end,
       dispatch_gateway_id = coalesce(${claim}.gateway_id, t.dispatch_gateway_id),
       lease_expires_at = now() + t.lease_seconds * interval '1 second', next_attempt_at = null,
       attempts = t.attempts + 1, lease_number = t.lease_number + 1,
       version = t.version + 1 + (${started})::integer, updated_at = now()`;

/** What the claim of a host writes besides: who may still report when its lease has run out. */
export const OF_HOST = `assigned_host_id = c.worker_id, assigned_token = c.token, updated_by = ${WRITER}, `;

/**
 * The gateway that a dispatcher sends a task to when it starts it: the one that knows of its open execution, else the one
 * it prefers, else the first of those given that can take it. Null for workers.
 */
export const gatewayFor = (
  task: string,
  started: string,
): string => `case when ${started} and $1::text = 'dispatcher' then (
       select g->>'gatewayId' from jsonb_array_elements($4::jsonb) with ordinality given(g, n)
       where to_jsonb(${task}.required_capabilities) <@ (g->'capabilities') and not ${isPausedGateway("g->>'gatewayId'")}
         and case when ${task}.dispatch_key is not null then g->>'gatewayId' = ${task}.dispatch_gateway_id
                  when ${task}.gateway_strict then g->>'gatewayId' = ${task}.gateway_id else ${isServed(task)} end
       order by (g->>'gatewayId' = ${task}.gateway_id) desc nulls last, n limit 1) end`;

const CLAIMED_EVENT: EventColumns = {
  type: 'claimed',
  from: 'from_status',
  to: `'claimed'`,
  worker: 'locked_by',
  token: 'claim_token',
  message: `'Task claimed.'`,
  payload: `json_build_object('attempt', attempts, 'lease_number', lease_number)`,
};

/** A task that is started in the same step passes both states, and both are told. */
export const claimEvents = (started: string): string => `logged as (
     ${appendSteps(
       ['claimed', { ...CLAIMED_EVENT, version: `version - (${started})::integer` }],
       [`claimed where ${started}`, RUNNING_EVENT],
     )}
   )`;
