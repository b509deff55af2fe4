import { type Env } from '../../platform/config/env.js';
import { type Asks } from '../../platform/database/session.js';
import { type Finding, ok, warning } from '../findings.js';
import { getOldest } from './doctor.queries.js';
import { span } from './words.js';

const DAY_SECONDS = 86_400;

/** What is kept for how long by these settings, and how old the oldest of it is. */
export async function lookAtRetention(session: Asks, env: Env): Promise<Finding[]> {
  const days = env.number('SKYNET_RETENTION_DAYS', { min: 0, max: 36_500 });
  const auditDays = env.number('SKYNET_AUDIT_RETENTION_DAYS', { min: 0, max: 36_500 });
  const { taskSeconds, auditSeconds } = await getOldest(session);
  const kept = (limit: number) => (limit === 0 ? 'for ever' : `${limit} d after their end`);
  const aged = (seconds: number | null) =>
    seconds === null ? 'none yet' : `the oldest ${span(seconds)} old`;
  const said =
    `Tasks and events are kept ${kept(days)} (${aged(taskSeconds)}), ` +
    `the audit trail ${auditDays === 0 ? 'for ever' : `${auditDays} d`} (${aged(auditSeconds)}), ` +
    `deliveries of webhooks ${env.text('SKYNET_WEBHOOK_RETENTION_DAYS')} d, ` +
    `idempotency keys ${span(Number(env.text('SKYCLAW_IDEMPOTENCY_TTL_MS')) / 1_000)}.`;
  // The trail is pruned by the row, so its oldest entry shows whether anybody prunes.
  const isStale = auditDays > 0 && auditSeconds !== null && auditSeconds > (auditDays + 2) * DAY_SECONDS;
  return [
    isStale
      ? warning(
          'retention',
          said,
          'The audit trail is older than it should be: nobody has pruned for days.',
          'See that a replica runs, and that its loops audit and retention have good passes.',
        )
      : ok('retention', said),
  ];
}
