import pg from 'pg';
import { check } from '../chaos/checker/check.js';
import { type LoggedEvent, type Submitted } from '../chaos/checker/history.js';

/** What of the storm's rules can be said of a load that nobody executes and of which nobody keeps a list. */
const RULES = new Set([
  'log-is-whole',
  'one-claim-at-a-time',
  'only-the-holder-reports',
  'fencing-numbers-grow',
  'one-end',
]);

/** Statements that must find nothing, by what it would mean. */
const NOTHING: Readonly<Record<string, string>> = {
  'nobody holds it, and it has a claim token': `select id from tasks where claim_token is not null and status not in ('claimed', 'running')`,
  'its end has no time, or its time is no end': `select id from tasks where (completed_at is null) = (status in ('succeeded', 'failed', 'failed_timeout'))`,
  'its last event tells another status': `select t.id from tasks t
     join lateral (select e.to_status from events e
       where e.task_id = t.id and e.to_status is not null order by e.id desc limit 1) last on true
     where last.to_status <> t.status`,
  'it has ended and owns files': `select t.id from tasks t join file_locks l on l.task_seq = t.seq
     where t.status in ('succeeded', 'failed', 'failed_timeout')`,
};

/** What is wrong in the database, in sentences. */
export async function inconsistencies(databaseUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const found: string[] = [];
    for (const [what, statement] of Object.entries(NOTHING)) {
      const { rows } = await client.query<{ id: string }>(statement);
      if (rows.length > 0) found.push(`${what}: ${JSON.stringify(rows.slice(0, 5).map(({ id }) => id))}`);
    }
    const history = {
      submitted: await tasksOf(client),
      events: await eventsOf(client),
      effects: [],
      explained: [],
    };
    const violations = check(history).filter(({ rule }) => RULES.has(rule));
    return [...found, ...violations.map(({ rule, text }) => `${rule}: ${text}`)];
  } finally {
    await client.end();
  }
}

/** Those that were handed in and have a log from their beginning; a snapshot brings others in the middle of their life. */
async function tasksOf(client: pg.Client): Promise<Submitted[]> {
  const { rows } = await client.query<{ id: string }>(
    `select id from tasks t where exists (select from events e where e.task_id = t.id and e.event_type = 'enqueued')`,
  );
  const nothing = { isAccepted: true, parents: [], writes: [], reads: [], concurrency: null } as const;
  return rows.map(({ id }) => ({ id, kind: 'pull', ...nothing }));
}

async function eventsOf(client: pg.Client): Promise<LoggedEvent[]> {
  const { rows } = await client.query<LoggedEvent>(
    `select id::float8 as id, task_id as "taskId", task_version::float8 as "taskVersion", event_type as type,
       from_status as "from", to_status as "to", worker_id as "workerId", claim_token as "claimToken",
       (payload->>'lease_number')::float8 as "leaseNumber", message
     from events order by id`,
  );
  return rows;
}
