import { once } from 'node:events';
import { join } from 'node:path';
import pg from 'pg';
import { Program } from '../support/program.js';

export const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Says what is being done, does it, and says how long it took. */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await work();
  say(`${what}: ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
  return result;
}

/** Runs a command of a build to its end. */
export async function command(
  root: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ readonly code: number | string; readonly output: string }> {
  const program = Program.run(join(root, 'bin', 'skynet'), args, env);
  await once(program.child, 'close');
  return { code: await program.exit(), output: program.stdout + program.stderr };
}

/** The same, for one that must succeed. */
export async function mustRun(
  root: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { code, output } = await command(root, args, env);
  if (code !== 0) throw new Error(`skynet ${args.join(' ')} ended with ${code}: ${output}`);
  return output;
}

/** Tasks that were accepted and have not succeeded. */
export async function lost(databaseUrl: string, accepted: readonly string[]): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ id: string; status: string | null }>(
      `select a.id, t.status from unnest($1::text[]) a(id) left join tasks t on t.id = a.id
       where t.status is distinct from 'succeeded'`,
      [accepted],
    );
    return rows.map(({ id, status }) => `${id} was accepted and is ${status ?? 'gone'}`);
  } finally {
    await client.end();
  }
}
