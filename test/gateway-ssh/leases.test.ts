import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type LeasedFile } from '../../src/contracts/gateway-api.js';
import { type RunningGateway } from '../../src/gateway/index.js';
import { act, post } from '../gateway/fixture.js';
import { eventually } from '../support/eventually.js';
import { SshFixture } from './fixture.js';
import { leftOut, trouble } from './sshd.js';

const suite = trouble === undefined ? describe : describe.skip; // Nothing can stand in for a real sshd; the name of the suite says what is missing.

const write = (path: string): LeasedFile => ({ path, mode: 'write' });

/** Changes, makes and removes inside and outside of the lease on `src/`, and commits a part of it. */
const STRAY = `
echo changed > src/a.ts
echo changed > README.md
mkdir -p new/deep
echo x > 'new/deep/a "name" é.txt'
rm gone.txt
git -c user.name=a -c user.email=a@localhost commit -qam mine
echo 'changed once more' > untracked.txt
echo done`;
const STRAYED = ['README.md', 'gone.txt', 'new/deep/a "name" é.txt', 'untracked.txt'];

suite(`the lease of files over SSH${leftOut}`, () => {
  let fixture: SshFixture;
  let made = 0;
  beforeAll(async () => {
    fixture = await SshFixture.create();
  });
  afterAll(() => fixture.close());

  /** A program on the host that keeps what it reads and what it sees, and then does as it is told. */
  const program = (name: string, script: string): string => {
    const file = fixture.gateways.path(name);
    const lines = ['#!/bin/sh', `cat > '${file}.input'`, `env > '${file}.env'`, `echo "$@" > '${file}.args'`];
    writeFileSync(file, [...lines, script, ''].join('\n'));
    chmodSync(file, 0o755);
    return file;
  };
  const saw = (name: string, what: 'input' | 'env' | 'args') =>
    readFileSync(fixture.gateways.path(`${name}.${what}`), 'utf8');
  const gateways = new Map<string, Promise<RunningGateway>>();
  /** The gateway with a policy, whose codex does as the script says from now on. */
  const start = (policy: string, script = STRAY): Promise<RunningGateway> => {
    const env = {
      SKYNET_LEASE_VIOLATION_POLICY: policy,
      OPENCLAW_SSH_CODEX_BIN: program('codex', script),
      OPENCLAW_SSH_OPENCLAW_BIN: program(
        'openclaw',
        `while [ "$1" != --message-file ]; do shift; done
         printf '{"payloads":[{"text":"heard: %s"}]}' "$(head -n 1 "$2")"`,
      ),
    };
    const gateway = gateways.get(policy) ?? fixture.start({ env });
    gateways.set(policy, gateway);
    return gateway;
  };
  const git = (folder: string, ...args: string[]) =>
    execFileSync('git', args, { cwd: folder, encoding: 'utf8' });
  const repository = (files: Record<string, string> = {}) => {
    const folder = fixture.gateways.path(`repo ${++made}`);
    const all = { 'README.md': 'hello\n', 'src/a.ts': 'a\n', 'gone.txt': 'gone\n', ...files };
    for (const [name, text] of Object.entries(all)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    git(folder, 'init', '-q', '-b', 'main');
    git(folder, 'add', '-A');
    git(folder, '-c', 'user.name=t', '-c', 'user.email=t@localhost', 'commit', '-q', '-m', 'first');
    writeFileSync(join(folder, 'untracked.txt'), 'before\n');
    return folder;
  };
  const run = (at: RunningGateway, working_dir: string, more: object = {}, files = [write('src/')]) =>
    act(at, 'run_coding_agent', { agent: 'codex', prompt: 'Do it.', working_dir, ...more }, { files });
  /** Folders that agents work with, of whatever run. */
  const scratches = () => readdirSync('/tmp').filter((name) => /^skynet-agent-[0-9a-f]{16}$/.test(name));

  it('is told to the agent, and what it writes outside of it is reported', async () => {
    const gateway = await start('report');
    const folder = repository();
    const objects = git(folder, 'count-objects');
    const before = scratches();
    const { result } = (await run(gateway, folder)).body;
    expect(result).toMatchObject({ returncode: 0, stdout: 'done\n', lease_violations: STRAYED });
    expect(result.stderr).toContain('Written outside of the lease: README.md, gone.txt');
    expect(saw('codex', 'input')).toMatch(/^Do it\.\n\nFiles leased to this task\.[^]*- src\/\n/);
    expect(saw('codex', 'env')).toContain('SKYNET_LEASED_FILES=[{"path":"src/","mode":"write"}]\n');
    expect(saw('codex', 'args')).toContain('exec --sandbox workspace-write');
    // The look leaves nothing behind: the objects are those of the agent's own commit.
    expect(git(folder, 'count-objects')).not.toBe(objects);
    expect(git(folder, 'fsck', '--no-dangling')).toBe('');
    expect(git(folder, 'diff', '--cached', '--name-only')).toBe('');
    expect(scratches()).toEqual(before);
  });

  it('is restored, and what is leased stays', async () => {
    const folder = repository();
    const { result } = (await run(await start('revert'), folder)).body;
    expect(result).toMatchObject({ returncode: 0, lease_violations: STRAYED });
    expect(result.stderr).toMatch(/It was put back\.$/);
    expect(readFileSync(join(folder, 'src/a.ts'), 'utf8')).toBe('changed\n');
    expect(git(folder, 'log', '--format=%s')).toBe(
      'Put back what was written outside of the lease\nmine\nfirst\n',
    );
    expect(git(folder, 'diff', '--name-only', 'HEAD~2', 'HEAD')).toBe('src/a.ts\n');
    expect(git(folder, 'status', '--porcelain')).toBe('?? untracked.txt\n');
    expect(readFileSync(join(folder, 'untracked.txt'), 'utf8')).toBe('before\n');
    expect(existsSync(join(folder, 'new'))).toBe(false);
  });

  it('fails the action that left it, and not one that kept it', async () => {
    const gateway = await start('fail');
    const folder = repository();
    expect((await run(gateway, folder)).body.result).toMatchObject({ returncode: 1, stdout: 'done\n' });
    const all = ['README.md', 'gone.txt', 'new/', 'untracked.txt', 'src/'].map(write);
    expect((await run(gateway, repository(), {}, all)).body.result).toEqual({
      returncode: 0,
      stdout: 'done\n',
      stderr: '',
    });
  });

  it('that cannot be compared is said to be so, and only where that is enough the agent runs', async () => {
    for (const policy of ['report', 'revert']) {
      const gateway = await start(policy, 'echo done > ran');
      const folder = fixture.gateways.path(`plain-${policy}`);
      mkdirSync(folder);
      const { result } = (await run(gateway, folder)).body;
      expect(result.returncode).toBe(policy === 'report' ? 0 : 1);
      expect(result.stderr).toContain(
        `What was written could not be compared with the lease: ${folder} is not in a git repository.`,
      );
      expect(existsSync(join(folder, 'ran'))).toBe(policy === 'report');
    }
  });

  it('is not held against an agent for what another action writes meanwhile', async () => {
    const gateway = await start(
      'revert',
      `mkdir src/begun; while [ ! -e other.txt ]; do sleep 0.02; done; echo x > stray.txt`,
    );
    const folder = repository();
    const running = run(gateway, folder);
    await eventually('the agent runs', () =>
      Promise.resolve(existsSync(join(folder, 'src/begun')) ? true : undefined),
    );
    await act(gateway, 'file_write', { file: join(folder, 'other.txt'), content: 'mine' });
    expect((await running).body.result).toMatchObject({ lease_violations: ['stray.txt'] });
    expect(readFileSync(join(folder, 'other.txt'), 'utf8')).toBe('mine');
    expect(existsSync(join(folder, 'stray.txt'))).toBe(false);
  });

  it('reaches an agent that reads its prompt from a file, which is gone afterwards', async () => {
    const gateway = await start('fail');
    const before = scratches();
    const { result } = (await run(gateway, repository(), { agent: 'openclaw' })).body;
    expect(result).toEqual({ returncode: 0, stdout: 'heard: Do it.', stderr: '' });
    expect(saw('openclaw', 'args')).toContain('agent --local');
    expect(scratches()).toEqual(before);
  });

  it('is left as it is by the emergency stop, and nothing of the look stays on the host', async () => {
    const gateway = await start('revert', `echo x > stray.txt; mkdir src/begun; while :; do sleep 1; done`);
    const [folder, before] = [repository(), scratches()];
    const running = run(gateway, folder);
    await eventually('the agent runs', () =>
      Promise.resolve(existsSync(join(folder, 'src/begun')) ? true : undefined),
    );
    await post(gateway, '/emergency-stop');
    const { result } = (await running).body;
    expect(result.returncode).toBe(-1);
    expect(result.stderr).toBe(
      'What was written was not compared with the lease.\nProcess was killed by the emergency stop.',
    );
    expect(existsSync(join(folder, 'stray.txt'))).toBe(true);
    expect(scratches()).toEqual(before);
    await post(gateway, '/resume');
  });
});
