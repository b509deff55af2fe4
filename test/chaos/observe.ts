import { setTimeout as wait } from 'node:timers/promises';
import { type Effect, type Explained, type History, type LoggedEvent } from './checker/history.js';
import { ask } from './load/client.js';
import { CALLS, type Load } from './load/load.js';
import { type World } from './world/world.js';

const MOST_EXPLAINED = 100;

/** Waits until nothing is open any more, `limitMs` at most. */
export async function settle(world: World, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    const open = await openTasks(world).catch(() => null);
    if (open?.length === 0) return;
    await wait(200);
  }
}

/** The whole history of a load: of the log what comes after an id, and the traces from a line on. */
export async function historyOf(
  world: World,
  load: Load,
  from: { readonly event: number; readonly trace: number },
): Promise<{ readonly history: History; readonly next: { readonly event: number; readonly trace: number } }> {
  const traces = world.tracesSoFar();
  const events = await eventsAfter(world, from.event);
  const effects = traces.slice(from.trace).map((line): Effect => {
    const [kind, traced = '', run = ''] = line.split(' ');
    return { kind: kind as Effect['kind'], taskId: load.taskOf(traced), run };
  });
  const explained = await explain(world, await openTasks(world));
  return {
    history: { submitted: load.submitted, events, effects, explained },
    next: { event: events.at(-1)?.id ?? from.event, trace: traces.length },
  };
}

async function openTasks(world: World): Promise<string[]> {
  const rows = await world.read<{ id: string }>(
    `select id from tasks where completed_at is null and project_id <> '${CALLS}' order by seq`,
  );
  return rows.map(({ id }) => id);
}

async function eventsAfter(world: World, after: number): Promise<LoggedEvent[]> {
  const rows = await world.read<Record<string, string | null>>(
    `select id, task_id, task_version, event_type, from_status, to_status, worker_id, claim_token,
       payload->>'lease_number' as lease_number, message
     from events where id > $1 order by id`,
    [after],
  );
  return rows.map((row) => ({
    id: Number(row['id']),
    taskId: row['task_id'] ?? '',
    taskVersion: Number(row['task_version']),
    type: row['event_type'] ?? '',
    ...{ from: row['from_status'] ?? null, to: row['to_status'] ?? null },
    ...{ workerId: row['worker_id'] ?? null, claimToken: row['claim_token'] ?? null },
    leaseNumber: row['lease_number'] == null ? null : Number(row['lease_number']),
    message: row['message'] ?? '',
  }));
}

async function explain(world: World, ids: readonly string[]): Promise<Explained[]> {
  const explained: Explained[] = [];
  for (const id of ids.slice(0, MOST_EXPLAINED)) {
    const url = world.urls[0] ?? '';
    const answer = await ask(url, 'GET', `/v1/tasks/${id}/explain`).catch(() => null);
    if (answer?.status !== 200) continue;
    const reasons = answer.body.reasons as readonly { readonly code: string; readonly details: unknown }[];
    explained.push({
      taskId: id,
      isRunnable: answer.body.runnable === true,
      codes: reasons.map(({ code }) => code),
      waitsFor: [...new Set(reasons.flatMap(({ details }) => tasksNamedIn(details)))],
    });
  }
  return explained;
}

/** Every `task_id` in an answer, wherever it stands. */
function tasksNamedIn(details: unknown): string[] {
  if (typeof details !== 'object' || details === null) return [];
  return Object.entries(details).flatMap(([name, value]: [string, unknown]) =>
    name === 'task_id' && typeof value === 'string' ? [value] : tasksNamedIn(value),
  );
}
