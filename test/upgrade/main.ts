// `npm run test:upgrade`: the release before this one runs on the schema of this one, before, while and after it changes.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { EmbeddedPostgres } from '../../src/platform/embedded-postgres/index.js';
import { Load } from './load.js';
import { chooseRelease, Release } from './previous-release.js';
import { Replica } from './replica.js';
import { lost, mustRun, say, step } from './steps.js';

const ALONE_MS = 3_000;
const TOGETHER_MS = 6_000;

async function tryUpgrade(previous: string, databaseUrl: string): Promise<boolean> {
  const present = Release.present;
  const env = { DATABASE_URL: databaseUrl };
  const replicas: Replica[] = [];
  let load: Load | undefined;
  try {
    const old = await step('the previous release starts on an empty database', () =>
      Replica.start(previous, databaseUrl),
    );
    replicas.push(old);
    load = new Load([old.url]);
    load.start();
    await step('load on the previous release alone', () => wait(ALONE_MS));
    say(
      (
        await step('the present release migrates under load', () => mustRun(present, ['migrate'], env))
      ).trim(),
    );
    await step('the previous release alone on the new schema', () => wait(ALONE_MS));
    const fresh = await step('the present release starts beside it', () =>
      Replica.start(present, databaseUrl),
    );
    replicas.push(fresh);
    load.urls = [old.url, fresh.url];
    await step('both at once', () => wait(TOGETHER_MS));
    await step('the previous release starts anew on the new schema', () => old.replaceBy(previous));
    await step('both at once, again', () => wait(TOGETHER_MS));
    load.urls = [fresh.url];
    await step('all that was handed in is worked off', () => load?.finish() ?? Promise.resolve());
    await step('skynet backup-check', () => mustRun(present, ['backup-check', databaseUrl, '--strict']));
    const { accepted, requests, retried, failed } = load;
    const faults = [...failed, ...(await lost(databaseUrl, accepted))];
    faults.push(
      ...replicas.map((replica) => replica.complaints.trim()).filter((complaint) => complaint !== ''),
    );
    say(`${accepted.length} tasks, ${requests} requests, ${retried} sent twice, ${faults.length} faults`);
    for (const fault of faults.slice(0, 20)) say(`  ${fault}`);
    return faults.length === 0 && accepted.length > 0;
  } finally {
    await load?.stop();
    await Promise.all(replicas.map((replica) => replica.end()));
  }
}

async function main(): Promise<boolean> {
  const { commit, reason } = chooseRelease();
  say(`The previous release is ${commit.slice(0, 12)}. ${reason}`);
  const release = await step('it is built', () => Promise.resolve(Release.build(commit)));
  const folder = mkdtempSync(join(tmpdir(), 'skynet-upgrade-data-'));
  try {
    const server = await EmbeddedPostgres.start({ dataDir: folder, durable: false });
    try {
      return await tryUpgrade(release.root, server.url);
    } finally {
      await server.stop();
      rmSync(server.dataDir, { recursive: true, force: true });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
    release.remove();
  }
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
