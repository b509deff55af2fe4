import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from './eventually.js';

/** A `skynet` or `skyclaw` program as a process of its own. */
export class Program {
  private said = '';
  private warned = '';

  private constructor(readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.warned += chunk.toString()));
  }

  static start(
    program: 'skynet' | 'skyclaw',
    args: readonly string[],
    env: Record<string, string> = {},
  ): Program {
    return Program.run(`bin/${program}`, args, env);
  }

  /** The same of any script, which needs to know no more of the environment than a program would. */
  static run(
    script: string,
    args: readonly string[],
    env: Record<string, string> = {},
    { cwd }: { readonly cwd?: string } = {},
  ): Program {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(SKYNET|SKYCLAW|OPENCLAW)_|^DATABASE_URL$|^NODE_OPTIONS$/.test(name),
    );
    return new Program(
      spawn(process.execPath, [script, ...args], {
        env: {
          ...(Object.fromEntries(inherited) as Record<string, string>),
          OPENCLAW_GATEWAY_URLS: ',',
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
        ...(cwd === undefined ? {} : { cwd }),
      }),
    );
  }

  get stdout(): string {
    return this.said;
  }

  get stderr(): string {
    return this.warned;
  }

  /** Waits for a line on stdout and returns its first group. */
  line(pattern: RegExp, limitMs?: number): Promise<string> {
    const what = `${String(pattern)} is printed (stderr: ${this.warned.slice(-500)})`;
    const probe = () => {
      if (this.child.exitCode !== null)
        throw new Error(`It has ended with ${this.child.exitCode}: ${this.warned}`);
      return Promise.resolve(pattern.exec(this.said)?.[1]);
    };
    return eventually(what, probe, limitMs);
  }

  /** Waits for the end and returns the exit code, or the signal's name. */
  async exit(): Promise<number | string> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode ?? this.child.signalCode ?? 'unknown';
  }

  async kill(signal: NodeJS.Signals): Promise<number | string> {
    this.child.kill(signal);
    return this.exit();
  }
}
