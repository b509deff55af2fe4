import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { freePort } from '../agent/fixture.js';
import { BOT_TOKEN, BotApi } from '../gateway/telegram/bot-api.js';
import { leftOut, trouble } from '../gateway-ssh/sshd.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';

jest.setTimeout(180_000);
const LIMIT_MS = 60_000;

const page = readFileSync('docs/getting-started-agents.md', 'utf8');
const blocks = [...page.matchAll(/^```sh\n# terminal \d: (.*)\n([^]*?)^```$/gm)].map(
  ([, label = '', text = '']) => ({ label, text }),
);

/** The shell of a person who reads the page: a home of its own, and ports that are free. */
class Reader {
  readonly ran = new Set<string>();
  private readonly terminals: ChildProcess[] = [];

  private constructor(
    readonly home: string,
    private readonly ports: ReadonlyMap<string, number>,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  static async create(databaseUrl: string, more: Record<string, string>): Promise<Reader> {
    const home = realpathSync(mkdtempSync(join(tmpdir(), 'skynet-page-')));
    writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Reader\n\temail = reader@example.org\n');
    const ports = new Map<string, number>();
    for (const port of ['8000', '8765', '8766', '18080', '2222']) ports.set(port, await freePort());
    const at = (port: string) => `http://127.0.0.1:${ports.get(port) ?? 0}`;
    return new Reader(home, ports, {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      DATABASE_URL: databaseUrl,
      SKYNET_PORT: String(ports.get('8000')),
      SKYNET_HTTP_PORT: String(ports.get('8766')),
      SKYNET_WS_PORT: String(ports.get('8765')),
      OPENCLAW_GATEWAY_URL: at('8766'),
      // Where it is not the usual one, a gateway has to be told of the control plane.
      SKYNET_ORCHESTRATOR_URL: at('8000'),
      SKYNET_GATEWAY_ID: 'openclaw',
      SKYNET_AGENT_STATE_DIR: join(home, 'agent'),
      ...more,
    });
  }

  /** Runs a block to its end, and returns what it has printed. */
  async runs(label: string): Promise<string> {
    const { child, said } = this.open(label);
    const tooLong = setTimeout(() => void endOf(child), LIMIT_MS);
    await once(child, 'close');
    clearTimeout(tooLong);
    if (child.exitCode !== 0) throw new Error(`"${label}" has not come to its end: ${said()}`);
    return said();
  }

  /** Leaves a block running in a terminal of its own, as soon as it has printed what it prints when it is ready. */
  async keeps(label: string, ready: RegExp): Promise<() => Promise<void>> {
    const { child, said } = this.open(label);
    this.terminals.push(child);
    await eventually(
      `"${label}" prints ${String(ready)}`,
      () => {
        if (child.exitCode !== null) throw new Error(`"${label}" has ended: ${said()}`);
        return Promise.resolve(ready.test(said()) ? true : undefined);
      },
      LIMIT_MS,
    );
    return () => endOf(child);
  }

  async close(): Promise<void> {
    for (const child of this.terminals.reverse()) await endOf(child);
    rmSync(this.home, { recursive: true, force: true });
  }

  private open(label: string): { readonly child: ChildProcess; readonly said: () => string } {
    const block = blocks.find((candidate) => candidate.label === label);
    if (block === undefined) throw new Error(`The page has no block "${label}".`);
    this.ran.add(label);
    const text = block.text
      .replace(/\b(?:8000|8765|8766|18080|2222)\b/g, (port) => String(this.ports.get(port)))
      // Who comes by SSH is in the home of the account, where nobody may have said who commits.
      .replace('-o UsePAM=no', `$& -o SetEnv=GIT_CONFIG_GLOBAL=${this.home}/.gitconfig`);
    const child = spawn('bash', ['-e', '-c', text], { env: this.env, detached: true });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    }
    return { child, said: () => said };
  }
}

/** Ctrl-C: all that runs in the terminal hears of it. */
async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'close');
  process.kill(-child.pid, 'SIGINT');
  await gone;
}

const SCAFFOLD = 'chore: initialize project scaffold';
const COMMITS = ['test: add and double', 'feat: add and double', SCAFFOLD];

describe(`the page for a first project${leftOut}`, () => {
  let database: TestDatabase;
  let telegram: BotApi;
  let reader: Reader;
  beforeAll(async () => {
    // A root's sshd wants this folder, an ordinary user's does not.
    if (trouble === undefined && process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
    database = await createTestDatabase('empty');
    telegram = await BotApi.start();
    reader = await Reader.create(database.url, {
      TELEGRAM_BOT_TOKEN: BOT_TOKEN,
      TELEGRAM_ALLOWED_USER_ID: '7',
      TELEGRAM_API_BASE: telegram.url,
    });
  });
  afterAll(async () => {
    await reader.close();
    await telegram.close();
    await database.drop();
  });

  /** Waits until `/agent_status` answers so; the page's own words for it are in `GET /status`. */
  async function agentStatusBecomes(wanted: string): Promise<void> {
    await eventually(
      `/agent_status says ${wanted}`,
      async () => {
        const before = telegram.texts().length;
        telegram.says('/agent_status');
        const answer = await eventually('the bot answers', () => Promise.resolve(telegram.texts()[before]));
        return answer.text.startsWith(wanted) ? true : undefined;
      },
      LIMIT_MS,
    );
  }

  let endGateway: () => Promise<void>;
  let endAgent: () => Promise<void>;

  it('leads a list of ideas to commits through an agent', async () => {
    await reader.keeps('the control plane', /SKYNET control plane: /);
    await reader.keeps('a model that always makes the same plan', /Stub provider: /);
    endGateway = await reader.keeps(
      'the gateway, which executes nothing itself, since no folder is allowed here',
      /Agents connect to /,
    );
    await agentStatusBecomes('Execution: No worker and no SSH fallback');
    endAgent = await reader.keeps('the agent, which may work in one folder', /Connected to /);
    await agentStatusBecomes('Execution: Worker Connected');
    expect(JSON.parse(await reader.runs('who executes'))).toMatchObject({ execution: 'Worker Connected' });

    const told = await reader.runs('ideas');
    expect(told).toContain('directory: ok; readme: ok; git_init: ok; git_add: ok; git_commit: ok');
    expect(told).toMatch(/completed +Project completed: 7\/7 tasks\.\n$/);
    expect(await reader.runs('what has come out')).toBe(
      `# Math Library\n\nSmall functions with tests\n${COMMITS.join('\n')}\n`,
    );
    const audit = readFileSync(join(reader.home, 'agent/audit.jsonl'), 'utf8');
    expect(audit.match(/"action":"git_commit"/g)).toHaveLength(3);
  });

  const withSshd = trouble === undefined ? it : it.skip; // Nothing can stand in for a real sshd.
  withSshd('does the same over SSH when the agent is stopped', async () => {
    await endAgent();
    await endGateway();
    await reader.keeps('an SSH server', /Server listening on /);
    await reader.keeps(
      'the gateway, with a way through SSH for when no agent is connected',
      /OpenClaw gateway: /,
    );
    await agentStatusBecomes('Execution: SSH Tunnel Ready\nTarget: ');
    expect(JSON.parse(await reader.runs('who executes now'))).toMatchObject({
      execution: 'SSH Tunnel Ready',
    });

    expect(await reader.runs('ideas, over SSH')).toMatch(/completed +Project completed: 7\/7 tasks\.\n$/);
    expect(await reader.runs('what has come out, over SSH')).toBe(
      `# Over SSH\n\nThe same from afar\n${COMMITS.join('\n')}\n`,
    );
    await reader.keeps('the agent, which may work in one folder', /Connected to /);
    await agentStatusBecomes('Execution: Worker Connected');
  });

  it('has no block that was not run here, but the installation', () => {
    expect(blocks).toHaveLength([...page.matchAll(/^```sh$/gm)].length - 1);
    const withoutSsh = blocks.filter(({ label }) => !/ssh|now$/i.test(label));
    const expected = trouble === undefined ? blocks : withoutSsh;
    expect([...reader.ran].sort()).toEqual(expected.map(({ label }) => label).sort());
  });
});
