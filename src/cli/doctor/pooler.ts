import { randomUUID } from 'node:crypto';
import { errorCode } from '../../platform/database/errors.js';
import { integer, onlyRow } from '../../platform/database/row.js';
import { Session } from '../../platform/database/session.js';
import { type Finding, ok, trouble, warning } from '../findings.js';
import { backendOf, notify, PREPARED } from './doctor.queries.js';

/** A pooler may give the same server connection to a session several times in a row. */
const TRIES = 5;
/** A notification on the same server takes a millisecond; nothing is decided by it but what is told. */
const NOTIFY_MS = 1_500;
const CHANNEL = 'skynet_doctor';

/** The statement is not there, or another session has one of that name on the same server connection. */
const NOT_KEPT = new Set(['26000', '42P05']);

/** What stands between us and the server, found by trying: nothing is asked of the pooler itself. */
export async function lookAtPooler(url: string): Promise<Finding[]> {
  const sessions = await Promise.all(
    ['first', 'second'].map((name) => Session.open(url, `skynet-doctor-${name}`)),
  );
  const [first, second] = sessions as [Session, Session];
  try {
    const isPooled = first.announcedProcess !== (await backendOf(first));
    const moves = isPooled && (await movesBetweenBackends(first, second));
    const mode: Finding = !isPooled
      ? ok('pooler', 'None: the connection ends at the server.')
      : moves
        ? ok(
            'pooler',
            'A pooler in transaction mode: two transactions of one session ran on two server connections.',
          )
        : ok('pooler', 'A pooler in session mode: a session keeps its server connection.');
    const prepared = moves ? [await lookAtPrepared(first, second)] : [];
    return [mode, ...prepared, await lookAtNotify(first, second, moves)];
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

/** While one session holds the server connection that the other had, the other gets another one, or waits. */
async function movesBetweenBackends(first: Session, second: Session): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries++) {
    const before = await backendOf(first);
    const moved = await second.inside({ readOnly: false }, async () => {
      const theirs = await backendOf(second);
      return theirs === before || (await backendOf(first)) !== before;
    });
    if (moved) return true;
  }
  return false;
}

/** Two statements, each run again by a session that was given another server connection in between. */
async function lookAtPrepared(first: Session, second: Session): Promise<Finding> {
  try {
    for (const prepared of PREPARED) {
      const run = async (session: Session) => integer(onlyRow(await session.queryPrepared(prepared)), 'pid');
      for (let tries = 0; tries < TRIES; tries++) {
        const before = await run(first);
        const moved = await second.inside({ readOnly: false }, async () => {
          await run(second);
          return (await run(first)) !== before;
        });
        if (moved) break;
      }
    }
  } catch (error) {
    if (!NOT_KEPT.has(errorCode(error) ?? '')) throw error;
    return trouble(
      'prepared statements',
      `The pooler does not keep them (${errorCode(error) ?? ''}: ${(error as Error).message}).`,
      'Nearly all statements of the control plane are prepared: requests will fail, at random and more with more load.',
      'PgBouncer 1.21 or newer with max_prepared_statements = 500; or pool_mode = session.',
    );
  }
  return ok(
    'prepared statements',
    'The pooler keeps them when a session moves to another server connection.',
  );
}

async function lookAtNotify(first: Session, second: Session, moves: boolean): Promise<Finding> {
  const payload = randomUUID();
  const heard = new Promise<boolean>((done) => {
    const timer = setTimeout(() => done(false), NOTIFY_MS);
    const follower = (found: string) => {
      if (found !== payload) return;
      clearTimeout(timer);
      done(true);
    };
    first
      .listen(CHANNEL, follower)
      .then(() => notify(second, CHANNEL, payload))
      .catch(() => done(false));
  });
  if (await heard) return ok('notify', 'Notifications arrive: replicas hear of new work at once.');
  const finding = `No notification arrived within ${NOTIFY_MS} ms.`;
  const meaning =
    'Replicas find the work of others by polling (SKYNET_CONTROL_SCHEDULER_POLL_SECS); what is handed in to a replica it takes at once all the same. Nothing is lost.';
  return moves
    ? ok('notify', `${finding} That is so behind a pooler in transaction mode.`, meaning)
    : warning(
        'notify',
        finding,
        meaning,
        'See what stands between: a direct connection and a pooler in session mode pass them on.',
      );
}
