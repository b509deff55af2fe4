import { type Database } from '../../platform/database/database.js';
import { type Loop } from '../../platform/loops/loop.js';
import { type Component, down, type Finding, type Findings, notConfigured, up } from './domain/component.js';
import { ping } from './sentinel.queries.js';

/** A look at a component. It may throw: then the component is down, and the error says why. */
export type Check = () => Promise<Finding>;
export type Checks = Readonly<Record<Component, Check>>;

/** Whoever does not answer by then is taken for down. */
const CHECK_LIMIT_MS = 5_000;

/** Looks at everything at once. Never rejects. */
export async function lookAtAll(checks: Checks): Promise<Findings> {
  const [chathan_worker, scheduler_queue, database, s3_storage] = await Promise.all([
    lookAt(checks.chathan_worker),
    lookAt(checks.scheduler_queue),
    lookAt(checks.database),
    lookAt(checks.s3_storage),
  ]);
  return { chathan_worker, scheduler_queue, database, s3_storage };
}

async function lookAt(check: Check): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => resolve(down(`No answer within ${CHECK_LIMIT_MS / 1_000} s.`)), CHECK_LIMIT_MS);
  });
  try {
    return await Promise.race([check(), late]);
  } catch (error) {
    return down(error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
  }
}

/** Whether somebody is there who executes actions. */
export function workerCheck(worker: { readonly isConfigured: boolean; readonly isReady: boolean }): Check {
  return () =>
    Promise.resolve(
      !worker.isConfigured
        ? notConfigured('No folder is allowed, no agent can connect, and there is no SSH host.')
        : worker.isReady
          ? up('Somebody is there who executes actions.')
          : down('Nobody is there who executes actions.'),
    );
}

/** Whether the loops turn, and no project waits for somebody to take it up. */
export function queueCheck(
  loops: readonly Loop[],
  longestWaitMs: (hasExecutor: boolean) => Promise<number>,
  hasExecutor: () => boolean,
  stuckMs: number,
): Check {
  return async () => {
    const still = loops.filter((loop) => !loop.isFresh(Math.ceil(stuckMs / loop.intervalMs)));
    if (still.length > 0) {
      return down(`No good pass for ${stuckMs / 1_000} s: ${still.map(({ name }) => name).join(', ')}.`);
    }
    const waitMs = await longestWaitMs(hasExecutor());
    return waitMs < stuckMs
      ? up('The loops turn, and no project is left waiting.')
      : down(`A project has been waiting for ${Math.floor(waitMs / 1_000)} s to be taken up.`);
  };
}

/** Whether the database answers. */
export function databaseCheck(database: Database): Check {
  return async () => {
    await ping(database);
    return up('It answers.');
  };
}

/** A folder to which something is written. */
interface Storage {
  /** Undefined: nothing is. */
  readonly folder: string | undefined;
  /** Throws when it cannot be written to. */
  checkFolder(folder: string): Promise<void>;
}

/** Whether backups can be written where they go, and the last one was. */
export function storageCheck(storage: Storage, lastFailure: () => Promise<string | null>): Check {
  return async () => {
    const { folder } = storage;
    if (folder === undefined) return notConfigured('SKYNET_BACKUP_DIR is not set.');
    await storage.checkFolder(folder);
    const failure = await lastFailure();
    return failure === null
      ? up(`Backups can be written to ${folder}.`)
      : down(`The last backup failed: ${failure}`);
  };
}
