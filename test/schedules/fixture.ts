import { OccurrencesService } from '../../src/control-plane/schedules/index.js';
import { SchedulesLoop } from '../../src/control-plane/schedules/schedules.loop.js';
import {
  type Reply,
  startTestControlPlane,
  type TestControlPlane,
  type TestControlPlaneOptions,
} from '../support/control-plane.js';

/** A control plane whose schedules run when the test says so. */
export async function startWithoutLoop(options?: TestControlPlaneOptions): Promise<TestControlPlane> {
  const api = await startTestControlPlane(options);
  await api.get(SchedulesLoop).stop();
  return api;
}

/** A schedule that is due at times that no test lives to see, unless it says otherwise. */
export const YEARLY = { cron: '0 0 1 1 *', task: { action: 'run_tests', delivery: 'pull' } };

export async function put(api: TestControlPlane, id: string, more: object = {}): Promise<void> {
  const { status, text } = await api.call('PUT', `/v1/schedules/${id}`, { ...YEARLY, ...more });
  if (status !== 200) throw new Error(text);
}

export const show = async (api: TestControlPlane, id: string): Promise<Reply['body']> =>
  (await api.fetch(`/v1/schedules/${id}`)).body;

/** Runs what is due in this replica, as its loop does. */
export function runDue(api: TestControlPlane): Promise<number | null> {
  return api.get(OccurrencesService).runDue(new AbortController().signal);
}

/**
 * As if nobody had been there since `ago`: a schedule's next occurrence was then. The last seconds are left out of it, so
 * that the minute does not turn while a test counts.
 */
export async function missedSince(api: TestControlPlane, id: string, ago: string): Promise<void> {
  await api.query(
    `update schedules set next_at = date_trunc('minute', now() - $2::interval) where schedule_id = $1`,
    [id, ago],
  );
}

/** The ids of a schedule's tasks, oldest first. */
export async function tasksOf(api: TestControlPlane, id: string): Promise<string[]> {
  const rows = await api.query<{ id: string }>(
    `select t.id from tasks t where t.submitted_by = $1 order by t.seq`,
    [`schedule:${id}`],
  );
  return rows.map((row) => row.id);
}
