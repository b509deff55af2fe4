import { type Finding, ok, trouble, warning } from '../findings.js';

const TIMEOUT_MS = 5_000;
/** As the alert SkynetLoopStalled has it. */
const LATE_SECONDS = 60;
const LATE_INTERVALS = 3;

const LOOP_FIGURE = /^skynet_loop_(lag|interval)_seconds\{loop="([^"]+)"\} (\S+)$/gm;

/** Whether a replica is ready, and whether each of its loops keeps its time. */
export async function lookAtReplica(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<Finding[]> {
  const check = `replica at ${url}`;
  const ready = await get(`${url}/readyz`, {});
  if (ready === null) {
    return [
      trouble(
        check,
        'It does not answer.',
        'It does not run, or cannot be reached from here.',
        'See that it runs and that the address is right (--url, SKYNET_ORCHESTRATOR_URL, SKYCLAW_COORDINATOR_PUBLIC_URL).',
      ),
    ];
  }
  const readiness =
    ready.status === 200
      ? ok(check, 'It is ready.')
      : trouble(
          check,
          `It is not ready: ${complaintsOf(ready.text)}.`,
          'Balancers send it nothing. Others serve.',
          'Database: see above. Loops: its log says at level warning why passes fail; restart it when one hangs.',
        );
  const metrics = await get(`${url}/metrics`, headers);
  return [
    readiness,
    metrics?.status === 200 ? lateLoops(check, metrics.text) : unseen(check, metrics?.status),
  ];
}

/** What `error` of the answer says is down. */
function complaintsOf(text: string): string {
  try {
    const { error } = JSON.parse(text) as {
      error?: Record<string, { late?: string[]; phase?: string; message?: string }>;
    };
    const parts = Object.entries(error ?? {}).map(
      ([name, { late, phase, message }]) => `${name} (${late?.join(', ') ?? phase ?? message ?? 'down'})`,
    );
    return parts.length === 0 ? 'it does not say why' : parts.join(', ');
  } catch {
    return 'it does not say why';
  }
}

function unseen(check: string, status: number | undefined): Finding {
  return ok(
    check,
    `Its loops were not looked at: /metrics ${status === undefined ? 'does not answer' : `answers ${status}`}.`,
    status === 401 || status === 403 ? 'SKYNET_API_KEY opens it.' : undefined,
  );
}

function lateLoops(check: string, text: string): Finding {
  const loops = new Map<string, { lag: number; interval: number }>();
  for (const [, figure, name = '', value] of text.matchAll(LOOP_FIGURE)) {
    const known = loops.get(name) ?? { lag: 0, interval: 0 };
    loops.set(name, { ...known, [figure === 'lag' ? 'lag' : 'interval']: Number(value) });
  }
  const late = [...loops].filter(
    ([, { lag, interval }]) => lag > LATE_SECONDS && lag > LATE_INTERVALS * interval,
  );
  if (late.length === 0) return ok(check, `All ${loops.size} loops keep their time.`);
  return warning(
    check,
    `Late: ${late.map(([name, { lag }]) => `${name} by ${Math.round(lag)} s`).join(', ')}.`,
    'What these loops do is not done by this replica. Others do the same.',
    'Its log says why at level warning; the runbook is SkynetLoopStalled in docs/operations.md.',
  );
}

/** An answer, or null when there is none. */
async function get(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly text: string } | null> {
  try {
    const response = await fetch(url, {
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, text: await response.text() };
  } catch {
    return null;
  }
}
