// Rows straight into our tables: backlogs and histories that would take hours through the API. Whoever changes the
// ledger's tables changes this file with them.

/** @typedef {import('pg').Client} Client */

const CHUNK = 100_000;

/** What a ledger without work or history has no rows in; those that do not exist are passed over. */
const TABLES = [
  'tasks',
  'task_dependencies',
  'untold_ends',
  'file_locks',
  'file_waits',
  'concurrency_holds',
  'file_conflicts',
  'events',
  'idempotency_keys',
];

const BLOCKER = 'bench-blocker';
const HELD_PATH = 'bench/held.ts';
const COLUMNS = 'id, action, params, delivery, lane, max_attempts, lease_seconds, priority, rank';
/** What the ledger writes for a priority at its usual ageing. @param {number} priority */
const rank = (priority) => `floor(extract(epoch from now()))::bigint - ${priority * 300}`;
/** In front of all ready work: a claim that had to look at blocked tasks would look at these first. */
const IN_FRONT = 10;
/** Longer than any run: what is claimed and kept stays claimed. */
const LEASE_SECONDS = 86_400;

/** @param {string} prefix @param {number} priority */
const values = (prefix, priority) =>
  `'${prefix}-' || n, 'bench', json_build_object('n', n), 'pull', 'action/pull//', 5, ${LEASE_SECONDS}, ${priority}, ${rank(priority)}`;

/** @param {Client} client @param {number} count @param {(from: number, to: number) => string} sql */
async function inChunks(client, count, sql) {
  for (let from = 1; from <= count; from += CHUNK)
    await client.query(sql(from, Math.min(count, from + CHUNK - 1)));
}

/** @param {Client} client */
export async function clear(client) {
  const { rows } = await client.query('select t from unnest($1::text[]) t where to_regclass(t) is not null', [
    TABLES,
  ]);
  await client.query(`truncate ${rows.map(({ t }) => t).join(', ')} cascade`);
}

/** Tasks that anybody may claim. @param {Client} client @param {number} count */
export async function ready(client, count) {
  const prefix = `ready-${Date.now()}`;
  await inChunks(
    client,
    count,
    (from, to) => `insert into tasks (${COLUMNS}, status, gate)
      select ${values(prefix, 0)}, 'queued', 0 from generate_series(${from}, ${to}) n`,
  );
}

/** Jobs that any host may claim. @param {Client} client @param {number} count */
export async function readyJobs(client, count) {
  await inChunks(
    client,
    count,
    (from, to) => `insert into tasks (${COLUMNS}, kind, updated_by, status, gate)
      select 'job_${Date.now()}-' || n, 'job:shell', '{"kind":"shell","command":"true"}', 'any', 'shell/any//', 5, 60, 0,
        ${rank(0)}, 'shell', 'bench', 'queued', 0 from generate_series(${from}, ${to}) n`,
  );
}

/** Tasks in front that wait for one that is not due before tomorrow. @param {Client} client @param {number} count */
export async function blockedByDependency(client, count) {
  await client.query(
    `insert into tasks (${COLUMNS}, status, gate, next_attempt_at, has_dependents)
     values ('${BLOCKER}-parent', 'bench', '{}', 'pull', 'action/pull//', 5, 300, 0, ${rank(0)}, 'queued', 3, now() + interval '1 day', true)`,
  );
  await inChunks(
    client,
    count,
    (from, to) => `with child as (
        insert into tasks (${COLUMNS}, status, gate, pending_dependencies, dependencies)
        select ${values('child', IN_FRONT)}, 'queued', 1, 1, array['${BLOCKER}-parent']
        from generate_series(${from}, ${to}) n returning seq)
      insert into task_dependencies (child_seq, parent_seq)
      select c.seq, p.seq from child c, tasks p where p.id = '${BLOCKER}-parent'`,
  );
}

/** Tasks in front that are parked on a path that somebody holds until tomorrow. @param {Client} client @param {number} count */
export async function blockedByFile(client, count) {
  await client.query(
    `with holder as (
       insert into tasks (${COLUMNS}, status, gate, has_holdings, required_files, file_paths, attempts,
         holder, locked_by, claim_token, locked_at, lease_expires_at)
       values ('${BLOCKER}-holder', 'bench', '{}', 'pull', 'action/pull//', 5, 86400, 0, ${rank(0)}, 'running', 5, true, array['${HELD_PATH}'],
         array['${HELD_PATH}'], 1, 'worker', 'bench-holder', md5('bench'), now(), now() + interval '1 day')
       returning seq, project_id)
     insert into file_locks (project_id, path, prefix, task_seq, file_path)
     select project_id, '${HELD_PATH}', '${HELD_PATH}', seq, '${HELD_PATH}' from holder`,
  );
  await inChunks(
    client,
    count,
    (from, to) => `with parked as (
        insert into tasks (${COLUMNS}, status, gate, has_holdings, required_files, file_paths)
        select ${values('parked', IN_FRONT)}, 'queued', 2, true, array['${HELD_PATH}'], array['${HELD_PATH}']
        from generate_series(${from}, ${to}) n returning seq, project_id, lane, rank)
      insert into file_waits (task_seq, project_id, path, prefix, lane, rank)
      select seq, project_id, '${HELD_PATH}', '${HELD_PATH}', lane, rank from parked`,
  );
}

/** Tasks that succeeded during the last day, each with the last of its events. @param {Client} client @param {number} count */
export async function ended(client, count) {
  const prefix = `ended-${Date.now()}`;
  await inChunks(
    client,
    count,
    (from, to) => `with done as (
        insert into tasks (${COLUMNS}, status, gate, attempts, version, created_at, updated_at, completed_at)
        select ${values(prefix, 0)}, 'succeeded', null, 1, 4, at - interval '1 minute', at, at
        from generate_series(${from}, ${to}) n, lateral (select now() - random() * interval '1 day' as at) t
        returning id)
      insert into events (task_id, task_version, event_type, from_status, to_status, message, payload)
      select id, 4, 'succeeded', 'running', 'succeeded', 'Task finished.', '{"success": true, "error": ""}' from done`,
  );
}
