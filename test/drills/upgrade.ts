// `npm run drill:upgrade`: the upgrade of docs/operations.md, step by step, under load; and the way back.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { EmbeddedPostgres } from '../../src/platform/embedded-postgres/index.js';
import { Load } from '../upgrade/load.js';
import { chooseRelease, Release } from '../upgrade/previous-release.js';
import { Replica } from '../upgrade/replica.js';
import { command, lost, mustRun, say, step } from '../upgrade/steps.js';

const LOAD_MS = 2_000;

async function drill(previous: string, databaseUrl: string): Promise<boolean> {
  const present = Release.present;
  const env = { DATABASE_URL: databaseUrl };
  const replicas: Replica[] = [];
  let load: Load | undefined;
  try {
    for (const name of ['first', 'second']) {
      replicas.push(
        await step(`the ${name} replica of the previous release starts`, () =>
          Replica.start(previous, databaseUrl),
        ),
      );
    }
    const urls = replicas.map(({ url }) => url);
    load = new Load(urls);
    load.start();
    await step('load', () => wait(LOAD_MS));
    const warned = await step('skynet doctor of the present release', () =>
      command(present, ['doctor'], env),
    );
    if (warned.code !== 2 || !warned.output.includes('pending'))
      throw new Error(`It should have told of pending migrations: ${warned.output}`);
    await step('skynet migrate', () => mustRun(present, ['migrate'], env));
    for (const replica of replicas) {
      await step('a replica is replaced by the present release', () => replica.replaceBy(present));
      await wait(LOAD_MS);
    }
    const [first, second] = replicas as [Replica, Replica];
    await step('skynet doctor', () => mustRun(present, ['doctor', '--url', first.url], env));
    await step('the way back: a replica of the previous release again', () => second.replaceBy(previous));
    await wait(LOAD_MS);
    await step('and forward', () => second.replaceBy(present));
    await step('all that was handed in is worked off', () => load?.finish() ?? Promise.resolve());
    await step('skynet backup-check', () => mustRun(present, ['backup-check', databaseUrl, '--strict']));
    const faults = [...load.failed, ...(await lost(databaseUrl, load.accepted))];
    say(
      `${load.accepted.length} tasks, ${load.requests} requests, ${load.retried} sent twice, ${faults.length} faults`,
    );
    for (const fault of faults.slice(0, 20)) say(`  ${fault}`);
    return faults.length === 0 && load.accepted.length > 0;
  } finally {
    await load?.stop();
    await Promise.all(replicas.map((replica) => replica.end()));
  }
}

async function main(): Promise<boolean> {
  const { commit, reason } = chooseRelease();
  say(`The previous release is ${commit.slice(0, 12)}. ${reason}`);
  const release = await step('it is built', () => Promise.resolve(Release.build(commit)));
  const folder = mkdtempSync(join(tmpdir(), 'skynet-drill-data-'));
  try {
    const server = await EmbeddedPostgres.start({ dataDir: folder, durable: false });
    try {
      return await drill(release.root, server.url);
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
