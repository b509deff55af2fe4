import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { type Job } from '../../src/contracts/skyclaw.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { Program } from '../support/program.js';

const TOKEN = 'fleet';

const FAST = {
  SKYNET_STALE_LOCK_REAPER_ENABLED: '1',
  SKYNET_STALE_LOCK_REAPER_POLL_SECS: '0.2',
  SKYCLAW_TOKEN: TOKEN,
  SKYCLAW_HOST_TIMEOUT_MS: '10000',
};

/** Two replicas on one database, and hosts and gateways as processes of their own that know both. */
export class Fleet {
  readonly token = { 'x-skyclaw-token': TOKEN };
  private readonly programs = new Map<string, Program>();
  private readonly folder = mkdtempSync(join(tmpdir(), 'skyclaw-fleet-'));

  private constructor(
    readonly first: TestControlPlane,
    readonly second: TestControlPlane,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<Fleet> {
    const first = await startTestControlPlane({ env: { ...FAST, ...env } });
    const { databaseUrl } = first;
    return new Fleet(first, await startTestControlPlane({ env: { ...FAST, ...env }, databaseUrl }));
  }

  get api(): TestControlPlane {
    return Math.random() < 0.5 ? this.first : this.second;
  }

  /** Starts a host, or starts it anew; hosts of odd number ask the first replica first. */
  startHost(name: string, env: Record<string, string> = {}): Program {
    const urls = [this.first.url, this.second.url];
    return this.keep(
      name,
      Program.start('skyclaw', ['host'], {
        SKYCLAW_TOKEN: TOKEN,
        SKYCLAW_COORDINATOR_URLS: (/[13579]$/.test(name) ? urls : urls.toReversed()).join(','),
        SKYCLAW_HOST_ID: name,
        SKYCLAW_HOST_NAME: name,
        SKYCLAW_STATE_DIR: join(this.folder, name),
        SKYCLAW_WORK_ROOT: this.folder,
        SKYCLAW_MAX_PARALLEL: '4',
        SKYCLAW_POLL_MS: '100',
        SKYCLAW_HEARTBEAT_MS: '300',
        SKYCLAW_ALLOWED_COMMANDS: 'sh,true,sleep,node',
        ...env,
      }),
    );
  }

  async startGateway(env: Record<string, string> = {}): Promise<string> {
    const program = Program.start('skyclaw', ['gateway', '--host', '127.0.0.1', '--port', '0'], {
      SKYCLAW_TOKEN: TOKEN,
      SKYCLAW_COORDINATOR_URLS: `${this.second.url},${this.first.url}`,
      ...env,
    });
    this.keep('gateway', program);
    return program.line(/gateway: (http\S+)/);
  }

  async kill(name: string, signal: NodeJS.Signals): Promise<void> {
    await this.programs.get(name)?.kill(signal);
  }

  async submit(payload: object): Promise<Job> {
    const body = { payload, requirement: { requiredCapabilities: ['shell'] } };
    const reply = await this.api.post('/v1/jobs', body, this.token);
    expect(reply).toMatchObject({ status: 200 });
    return reply.body.job as Job;
  }

  async close(): Promise<void> {
    await Promise.all([...this.programs.values()].map((program) => program.kill('SIGTERM')));
    await this.second.close();
    await this.first.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private keep(name: string, program: Program): Program {
    this.programs.set(name, program);
    return program;
  }
}
