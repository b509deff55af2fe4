import { once } from 'node:events';
import { join } from 'node:path';
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
