import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';

/** The entry point as the Dockerfile has it, with our own `skynet`. */
const entryPoint = (
  JSON.parse(/^ENTRYPOINT (.*)$/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1] ?? '[]') as string[]
).map((word) => (word === 'skynet' ? `${process.cwd()}/bin/skynet` : word));

/** Why there can be no process 1 of our own here; undefined when there can. */
function missing(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'it takes root on Linux to make a PID namespace';
  if (!existsSync('/usr/bin/tini')) return 'tini is not installed (Debian: apt-get install tini)';
  try {
    execFileSync('unshare', ['--pid', '--fork', '--mount-proc', 'true'], { stdio: 'pipe' });
    return undefined;
  } catch {
    return 'this machine makes no PID namespaces';
  }
}
const why = missing();
if (why !== undefined) process.stderr.write(`Left out: the entry point as process 1, since ${why}.\n`);

/** State and parent of a process. */
function statusOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const [, state = '', parent = ''] = /\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return { state, parent: Number(parent) };
  } catch {
    return undefined; // It has ended meanwhile.
  }
}
const childrenOf = (parent: number): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && statusOf(pid)?.parent === parent);

/** The entry point as process 1 of a PID namespace of its own. */
class ProcessOne {
  private said = '';

  private constructor(private readonly unshare: ChildProcess) {
    unshare.stdout?.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
    unshare.stderr?.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
  }

  static start(args: readonly string[], env: Record<string, string>): ProcessOne {
    const namespace = ['--pid', '--fork', '--mount-proc', '--kill-child'];
    return new ProcessOne(
      spawn('unshare', [...namespace, ...entryPoint, ...args], {
        env: { PATH: process.env['PATH'], HOME: '/tmp', OPENCLAW_GATEWAY_URLS: ',', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }

  line(pattern: RegExp): Promise<string> {
    return eventually(`${String(pattern)} is printed: ${this.said}`, () =>
      Promise.resolve(pattern.exec(this.said)?.[0]),
    );
  }

  /** Its id outside of its namespace. */
  async pid(): Promise<number> {
    const unshare = this.unshare.pid ?? 0;
    return eventually('there is a process 1', () => Promise.resolve(childrenOf(unshare)[0]));
  }

  /** Sends it SIGTERM, and waits for its end. */
  async end(): Promise<{ code: number | null; ms: number }> {
    const start = performance.now();
    process.kill(await this.pid(), 'SIGTERM');
    const code = await this.code();
    return { code, ms: performance.now() - start };
  }

  /** Its exit code, once it has ended. */
  async code(): Promise<number | null> {
    if (this.unshare.exitCode === null) await once(this.unshare, 'exit');
    return this.unshare.exitCode;
  }

  kill(): void {
    this.unshare.kill('SIGKILL');
  }
}

(why === undefined ? describe : describe.skip)('the entry point as process 1', () => {
  let database: TestDatabase;
  beforeAll(async () => (database = await createTestDatabase()));
  afterAll(() => database.drop());

  const started: ProcessOne[] = [];
  afterAll(() => {
    for (const each of started) each.kill();
  });
  const serve = () => {
    const one = ProcessOne.start(['serve'], { DATABASE_URL: database.url, SKYNET_PORT: '0' });
    started.push(one);
    return one;
  };

  it('ends at a SIGTERM while it starts', async () => {
    const one = serve();
    // Nobody listens for signals yet, and a process 1 does not get one that it has not asked for: tini has.
    const init = await one.pid();
    await eventually('tini has started the program', () => Promise.resolve(childrenOf(init)[0]));
    expect((await one.end()).ms).toBeLessThan(20_000);
  });

  it('reaps what others leave behind, and ends with 0 within its grace at SIGTERM', async () => {
    const one = serve();
    await one.line(/http:\/\/127\.0\.0\.1:\d+/);
    const init = await one.pid();
    // Each leaves a child behind, which then ends: an orphan, whose parent is process 1 from then on.
    const orphan = 'sleep 1 & exit 0';
    for (let round = 0; round < 20; round++) {
      execFileSync('nsenter', ['--target', String(init), '--pid', '--mount', 'sh', '-c', orphan], {
        stdio: 'ignore',
      });
    }
    await eventually('the orphans belong to process 1', () =>
      Promise.resolve(childrenOf(init).length > 1 || undefined),
    );
    await eventually('only the program is left', () =>
      Promise.resolve(childrenOf(init).length === 1 || undefined),
    );
    expect(childrenOf(init).map((pid) => statusOf(pid)?.state)).not.toContain('Z');
    const { code, ms } = await one.end();
    expect(code).toBe(0);
    expect(ms).toBeLessThan(20_000);
  });

  it.each([
    ['service-gateway', /SkyClaw service gateway: http/],
    ['host', /Coordinator: http/],
  ])('runs %s as well, and ends with 0 at SIGTERM', async (role, line) => {
    const state = mkdtempSync(join(tmpdir(), 'skynet-process-one-'));
    const one = ProcessOne.start([role], {
      SKYCLAW_COORDINATOR_URL: 'http://127.0.0.1:1',
      SKYCLAW_GATEWAY_PORT: '0',
      SKYCLAW_STATE_DIR: state,
    });
    started.push(one);
    await one.line(line);
    expect((await one.end()).code).toBe(0);
    rmSync(state, { recursive: true });
  });

  it('passes on the exit code of a program that ends by itself', async () => {
    const one = ProcessOne.start(['serve', '--port', '65536'], {});
    started.push(one);
    expect(await one.code()).toBe(1);
  });
});
