import { readFileSync } from 'node:fs';
import { tryContinuity, tryInvariants } from '../../control-plane/index.js';
import { Session } from '../../platform/database/session.js';
import { span } from '../doctor/words.js';
import { type Finding, ok, trouble, warning } from '../findings.js';
import { migrationState } from '../migration-state.js';
import { getNewest, listObjects } from './backup.queries.js';

/** A whole ledger is read by single statements. */
const QUERY_TIMEOUT_MS = 3_600_000;

const RESTORE_ANOTHER =
  'Do not rely on this backup: take another one and check it. With a restored database in use: keep it as it is, and compare with the log.';

/** What a freshly migrated database is made of; test/cli/backup-check.test.ts compares, and says how to write it anew. */
export const SCHEMA_FILE = new URL('../../../migrations/schema.txt', import.meta.url);

export interface BackupLimits {
  /** Older backups are told of; undefined: none is too old. */
  readonly maxAgeMs: number | undefined;
}

/** Verifies a restored database on one snapshot, in which nothing can be written. */
export async function checkDatabase(url: string, limits: BackupLimits): Promise<Finding[]> {
  const session = await Session.open(url, 'skynet-backup-check', { queryTimeoutMs: QUERY_TIMEOUT_MS });
  try {
    return await session.inside({ readOnly: true }, async () => {
      const schema = await checkSchema(session);
      if (schema.some(({ level }) => level === 'error')) return schema;
      return [...schema, ...(await checkRows(session)), await checkAge(session, limits)];
    });
  } finally {
    await session.close();
  }
}

async function checkSchema(session: Session): Promise<Finding[]> {
  const states = [await migrationState(session, 'control-plane'), await migrationState(session, 'gateway')];
  const [ours] = states;
  if (ours === null || ours === undefined) {
    return [
      trouble(
        'schema',
        'There are no migrations: this is no database of the control plane.',
        'Nothing can be restored from it.',
        RESTORE_ANOTHER,
      ),
    ];
  }
  const present = states.filter((state) => state !== null);
  const [pending, unknown] = (['pending', 'unknown'] as const).map((kind) =>
    present.flatMap((state) => state[kind]),
  );
  if (unknown !== undefined && unknown.length > 0) {
    return [
      trouble(
        'schema',
        `${unknown.length} migrations are unknown to this build: ${unknown.join(', ')}.`,
        'The backup is of a newer release; this build cannot tell whether it is whole.',
        'Check it with the skynet of that release.',
      ),
    ];
  }
  if (pending !== undefined && pending.length > 0) {
    return [
      warning(
        'schema',
        `It is of an older release, the last migration of which is ${ours.newest ?? 'none'}; ${pending.length} come after it.`,
        'skynet migrate brings it up to date once it is restored; until then this build cannot check its rows.',
        'Check it with the skynet of that release, or restore it, run skynet migrate and give the URL.',
      ),
    ];
  }
  const there = new Set(await listObjects(session));
  const hasGateway = states[1] !== null;
  const missing = readFileSync(SCHEMA_FILE, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && (hasGateway || !/ gateway[._]/.test(line)))
    .filter((line) => !there.has(line));
  return [
    missing.length === 0
      ? ok('schema', `It is complete, and of this release: ${ours.newest ?? 'none'}.`)
      : trouble(
          'schema',
          `${missing.length} parts are missing: ${missing.slice(0, 10).join(', ')}${missing.length > 10 ? ', …' : ''}.`,
          'The backup was cut off, or restoring it failed half-way.',
          RESTORE_ANOTHER,
        ),
  ];
}

async function checkRows(session: Session): Promise<Finding[]> {
  const invariants = (await tryInvariants(session)).map(({ says, breaches, examples }) =>
    breaches === 0
      ? ok('ledger', says)
      : trouble(
          'ledger',
          `Not so: ${says} ${breaches} times, among them ${examples.join(', ')}.`,
          'The rows do not belong together.',
          RESTORE_ANOTHER,
        ),
  );
  const { breaches, examples, events, tasks } = await tryContinuity(session);
  const log =
    breaches === 0
      ? ok('events', `The log leads every one of ${tasks} tasks to what it is, by ${events} steps.`)
      : trouble(
          'events',
          `The log of ${breaches} tasks has gaps, among them ${examples.join(', ')}.`,
          'Events are missing, or tasks are older or newer than their events.',
          RESTORE_ANOTHER,
        );
  return [...invariants, log];
}

async function checkAge(session: Session, { maxAgeMs }: BackupLimits): Promise<Finding> {
  const { tasks, events, ageSeconds } = await getNewest(session);
  if (ageSeconds === null)
    return warning(
      'age',
      'There are no tasks and no events.',
      'Either nothing was ever handed in, or this is another database.',
      'See that the right database is backed up.',
    );
  const said = `The newest of ${tasks} tasks and ${events} events is ${span(ageSeconds)} old.`;
  if (maxAgeMs === undefined || ageSeconds * 1_000 <= maxAgeMs) return ok('age', said);
  return warning(
    'age',
    said,
    'What came after it is not in this backup.',
    'See that backups are taken as often as they should be.',
  );
}
