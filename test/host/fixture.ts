import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { Program } from '../support/program.js';
import { ScriptableCoordinator } from './coordinator.js';

/** A coordinator, folders, and the daemons that a test starts on them, each a process of its own. */
export class HostFixture {
  private readonly programs: Program[] = [];

  private constructor(
    readonly coordinator: ScriptableCoordinator,
    readonly folder: string,
  ) {}

  static async create(): Promise<HostFixture> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'skyclaw-host-test-')));
    return new HostFixture(await ScriptableCoordinator.start(), folder);
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  /** Starts a daemon that polls and beats often; `env` wins. */
  start(env: Record<string, string> = {}): Program {
    const program = Program.start('skyclaw', ['host'], {
      SKYCLAW_COORDINATOR_URLS: this.coordinator.url,
      SKYCLAW_STATE_DIR: this.path('state'),
      SKYCLAW_POLL_MS: '50',
      SKYCLAW_HEARTBEAT_MS: '100',
      SKYCLAW_REQUEST_TIMEOUT_MS: '2000',
      SKYCLAW_MAX_PARALLEL: '4',
      SKYCLAW_ALLOWED_COMMANDS: 'sh,node,bash,not-on-this-machine',
      ...env,
    });
    this.programs.push(program);
    return program;
  }

  async startAndRegister(env: Record<string, string> = {}): Promise<Program> {
    const times = this.coordinator.registrations.length + 1;
    const program = this.start(env);
    await this.coordinator.registered(times);
    return program;
  }

  /** Ends everything, and finds fault with what the coordinator was sent. */
  async close(): Promise<void> {
    await Promise.all(this.programs.map((program) => program.kill('SIGKILL')));
    killBelow(this.folder);
    await this.coordinator.close();
    rmSync(this.folder, { recursive: true, force: true });
    expect(this.coordinator.complaints).toEqual([]);
  }

  /** The process ids that children have written into a file, once there are so many. */
  pids(name: string, count = 1): Promise<readonly number[]> {
    return eventually(`${name} has ${count} lines`, () => {
      const lines = existsSync(this.path(name))
        ? readFileSync(this.path(name), 'utf8').split('\n').slice(0, -1)
        : [];
      return Promise.resolve(lines.length >= count ? lines.map(Number) : undefined);
    });
  }
}

/** Kills what a test has left behind with its folder in its command line or environment. */
function killBelow(folder: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    try {
      const told =
        readFileSync(`/proc/${pid}/cmdline`, 'latin1') + readFileSync(`/proc/${pid}/environ`, 'latin1');
      if (told.includes(folder)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // Gone, or somebody else's.
    }
  }
}
