import { connect, migrate as bringUpToDate } from '../platform/database/connect.js';
import { openProgramDatabase } from './database.js';
import { loadEnv } from './environment.js';
import { say } from './program.js';

/** One that holds the lock, one that migrates. */
const CONNECTIONS = 2;

/** `skynet migrate`: brings the schemas of control plane and gateway up to date and ends. */
export async function migrate({ json = false }: { readonly json?: boolean }): Promise<void> {
  const env = loadEnv();
  const database = await openProgramDatabase(env, json ? () => undefined : say);
  const report: Record<string, readonly string[]> = {};
  try {
    for (const program of ['control-plane', 'gateway'] as const) {
      const options = {
        url: database.url,
        applicationName: 'skynet-migrate',
        poolSize: CONNECTIONS,
        program,
      };
      const dataSource = await connect(options);
      try {
        report[program] = (await bringUpToDate(dataSource)).applied;
      } finally {
        await dataSource.destroy();
      }
    }
  } finally {
    await database.release();
  }
  if (json) {
    say(JSON.stringify({ applied: report }));
    return;
  }
  for (const [program, applied] of Object.entries(report)) {
    say(applied.length === 0 ? `${program}: up to date.` : `${program}: applied ${applied.join(', ')}.`);
  }
}
