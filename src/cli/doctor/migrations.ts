import { type Asks } from '../../platform/database/session.js';
import { type Finding, ok, trouble, warning } from '../findings.js';
import { type MigrationState, migrationState } from '../migration-state.js';

/** Whether the schema is what this build wants. A gateway's is looked at where a gateway has been. */
export async function lookAtMigrations(session: Asks): Promise<Finding[]> {
  const ours = await migrationState(session, 'control-plane');
  if (ours === null) {
    return [
      warning(
        'migrations',
        'The database is empty: no migration has ever run.',
        'Nothing has started on it yet, or DATABASE_URL names another database than the one in use.',
        'Check the name in DATABASE_URL; then run skynet migrate, or start skynet serve, which does it.',
      ),
    ];
  }
  const gateways = await migrationState(session, 'gateway');
  return [ours, ...(gateways === null ? [] : [gateways])].flatMap(findingsOf);
}

function findingsOf({ program, applied, newest, pending, unknown, changed }: MigrationState): Finding[] {
  const check = program === 'gateway' ? 'migrations of the gateway' : 'migrations';
  const found: Finding[] = [];
  if (pending.length > 0) {
    found.push(
      trouble(
        check,
        `${pending.length} pending: ${pending.join(', ')}.`,
        'This build cannot work on the schema as it is. Releases before it can.',
        'Run skynet migrate; replicas of the release before go on meanwhile.',
      ),
    );
  }
  if (unknown.length > 0) {
    found.push(
      warning(
        check,
        `${unknown.length} unknown to this build: ${unknown.join(', ')}.`,
        'A newer release has migrated the database. The release right before that one runs on it, older ones may not.',
        'Use the skynet of the newest release that runs here.',
      ),
    );
  }
  if (changed.length > 0) {
    found.push(
      trouble(
        check,
        `${changed.length} applied with another text than this build has: ${changed.join(', ')}.`,
        'A migration was edited after it had run, or builds of two branches share this database: the schema may differ from what this build expects.',
        'Compare the files with those of the release that ran them; put the difference into a new migration.',
      ),
    );
  }
  return found.length > 0 ? found : [ok(check, `All ${applied} applied, the last ${newest ?? 'none'}.`)];
}
