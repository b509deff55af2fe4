import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { actionRules } from '../../src/contracts/actions.js';
import { eventually } from '../support/eventually.js';
import { ActionsFixture } from './fixture.js';

let fixture: ActionsFixture;
beforeAll(() => {
  fixture = new ActionsFixture();
});
afterAll(() => fixture.close());

describe('the actions', () => {
  it('of the contract are all carried out here, and whatever is ADMIN wants confirmation', () => {
    expect(fixture.runner.capabilities).toEqual(Object.keys(actionRules).sort());
    const admin = Object.entries(actionRules).filter(([, { risk }]) => risk === 'ADMIN');
    expect(admin.map(([action]) => action).sort()).toEqual([
      'close_app',
      'configure_coding_agent',
      'docker_compose_up',
      'gh_create_repo',
      'git_push',
    ]);
    expect(admin.filter(([, { tier }]) => tier !== 'confirm')).toEqual([]);
  });
});

describe('a refusal', () => {
  const dir = { working_dir: '.' };
  it.each([
    ['gh_create_repo', dir, "Parameter 'repo_name' is required."],
    ['gh_create_repo', { ...dir, repo_name: '-x' }, "Parameter 'repo_name' must not start with '-'."],
    [
      'gh_create_repo',
      { ...dir, repo_name: 'a/b' },
      "Parameter 'repo_name' may consist of letters, digits, '.', '_' and '-' only.",
    ],
    [
      'gh_create_repo',
      { ...dir, repo_name: 'a', private: 'yes' },
      "Parameter 'private' must be true or false.",
    ],
    [
      'gh_create_repo',
      { ...dir, repo_name: 'a', description: 'x'.repeat(351) },
      "Parameter 'description' exceeds maximum length (350 chars).",
    ],
    ['start_dev_server', { ...dir, app_module: '-m' }, "Parameter 'app_module' must not start with '-'."],
    ['start_dev_server', { ...dir, port: 80 }, "Parameter 'port' must be a whole number from 1024 to 65535."],
    ['docker_build', { ...dir, tag: '--privileged' }, "Parameter 'tag' must not start with '-'."],
    ['docker_build', { ...dir, tag: 'a;b' }, "Parameter 'tag' contains disallowed shell metacharacters."],
    ['open_in_vscode', { path: '--install-extension=x' }, "Parameter 'path' must not start with '-'."],
    ['web_search', {}, "Parameter 'query' is required."],
    [
      'web_search',
      { query: 'x', num_results: 0 },
      "Parameter 'num_results' must be a whole number from 1 to 10.",
    ],
    [
      'web_search',
      { query: 'x', num_results: 11 },
      "Parameter 'num_results' must be a whole number from 1 to 10.",
    ],
    [
      'web_search',
      { query: 'x', num_results: '5' },
      "Parameter 'num_results' must be a whole number from 1 to 10.",
    ],
    ['ollama_chat', {}, "Parameter 'messages' is required."],
    ['ollama_chat', { messages: [] }, "Parameter 'messages' is required."],
    ['ollama_chat', { messages: 'hello' }, "Parameter 'messages' must be a list of objects."],
    ['ollama_chat', { messages: [{}], tools: [1] }, "Parameter 'tools' must be a list of objects."],
    [
      'ollama_chat',
      { messages: [{}], temperature: 3 },
      "Parameter 'temperature' must be a number from 0 to 2.",
    ],
    ['run_coding_agent', { agent: 'codex' }, "Parameter 'prompt' is required."],
    ...[29, 3_601, 60.5, '60'].map((timeout_seconds) => [
      'run_coding_agent',
      { agent: 'codex', prompt: 'x', timeout_seconds },
      "Parameter 'timeout_seconds' must be a whole number from 30 to 3600.",
    ]),
    [
      'run_coding_agent',
      { agent: 'codex', prompt: 'x'.repeat(1_048_577) },
      "Parameter 'prompt' exceeds maximum length (1048576 chars).",
    ],
    [
      'configure_coding_agent',
      { agent: 'cline', provider: 'a', base_url: 'file:///etc' },
      "Parameter 'base_url' must be an http(s) URL.",
    ],
    ['list_directory', { directory: '.', recursive: 'true' }, "Parameter 'recursive' must be true or false."],
  ] as [string, object, string][])('of %s %.60j says why', async (action, params, error) => {
    expect(await fixture.refusal(action, params)).toBe(error);
  });

  it('of what wants confirmation comes from the person who is asked', async () => {
    const asked: string[] = [];
    const answers = [true, false];
    const confirm = ({ action }: { action: string }) => {
      asked.push(action);
      return Promise.resolve(answers.shift() ?? false);
    };
    const asking = new ActionsFixture({}, { confirm });
    const params = { directory: 'x' };
    expect(await asking.refusal('create_directory', params, false)).toBeNull();
    expect(await asking.refusal('create_directory', params, false)).toBe('Operator denied the action.');
    expect(await asking.refusal('create_directory', params, true)).toBeNull();
    expect(await asking.refusal('git_status', { working_dir: '.' }, false)).toBeNull();
    expect(asked).toEqual(['create_directory', 'create_directory']);
    await asking.close();
  });

  it('meets paths of other systems and other spellings of the roots', async () => {
    symlinkSync('/etc', fixture.path('etc'));
    const outside = [
      '\\\\server\\share\\x',
      '\\\\?\\C:\\x',
      'C:\\Windows\\x',
      'c:/windows/x',
      '//etc/passwd',
      fixture.root.toUpperCase(),
      `${fixture.root}/../x`,
      'a/../../x',
      'etc/passwd',
      'a\0b',
    ];
    for (const path of outside) {
      for (const [action, key] of [
        ['file_read', 'file'],
        ['open_in_vscode', 'path'],
        ['zip_project', 'working_dir'],
        ['list_directory', 'directory'],
      ] as const) {
        expect(await fixture.refusal(action, { [key]: path })).toMatch(
          /^Path '.*' \(resolved: '.*'\) is outside allowed roots\.$/s,
        );
      }
    }
    // Names that only look strange.
    for (const file of ['a (1)', 'back\\slash', '..x', 'C:x', 'é\n"$(x)"']) {
      expect(await fixture.refusal('file_read', { file })).toBeNull();
    }
  });
});

describe('git', () => {
  it('commits what is tracked, with a message of any size', async () => {
    const folder = fixture.repository('big');
    fixture.write('big/README.md', 'changed');
    fixture.write('big/untracked', '');
    const message = `--amend\n\n${'long $(line) '.repeat(20_000)}`.trim();
    expect(await fixture.act('git_commit', { working_dir: folder, message })).toMatchObject({
      returncode: 0,
    });
    expect(fixture.git(folder, 'log', '-1', '--format=%B').trim()).toBe(message);
    expect(fixture.git(folder, 'status', '--porcelain')).toBe('?? untracked\n');
  });

  it('hub repositories are made with fixed arguments', async () => {
    const gh = fixture.program('gh', `print('https://github.com/me/a.b-c_1')`);
    const result = await fixture.act('gh_create_repo', {
      working_dir: fixture.folder('gh'),
      repo_name: 'a.b-c_1',
      description: '--private; "x" $(y)',
    });
    expect(result).toEqual({ returncode: 0, stdout: 'https://github.com/me/a.b-c_1', stderr: '' });
    await fixture.act('gh_create_repo', { working_dir: 'gh', repo_name: 'a', private: true });
    const start = (name: string) => ['repo', 'create', name];
    expect(gh.calls().map(({ args }) => args)).toEqual([
      [...start('a.b-c_1'), '--public', '--source=.', '--remote=origin', '--description=--private; "x" $(y)'],
      [...start('a'), '--private', '--source=.', '--remote=origin', '--description='],
    ]);
    expect(gh.calls()[0]?.cwd).toBe(fixture.path('gh'));
  });
});

describe('a tool', () => {
  it.each([
    ['run_tests', {}, 'python3', ['-m', 'pytest']],
    ['run_tests', { runner: 'npm' }, 'npm', ['test']],
    ['lint_project', {}, 'ruff', ['check', '.']],
    ['lint_project', { linter: 'eslint' }, 'eslint', ['.']],
    ['build_project', {}, 'npm', ['run', 'build']],
    ['build_project', { build_tool: 'python' }, 'python3', ['-m', 'build']],
    ['install_dependencies', {}, 'python3', ['-m', 'pip', 'install', '-r', 'requirements.txt']],
    ['install_dependencies', { manager: 'npm' }, 'npm', ['install']],
    ['docker_build', {}, 'docker', ['build', '--tag', 'chathan-build:latest', '.']],
    ['docker_build', { tag: 'me/app:1' }, 'docker', ['build', '--tag', 'me/app:1', '.']],
    ['docker_compose_up', {}, 'docker', ['compose', 'up', '--detach']],
  ])('of %s %j is %s %j', async (action, params, program, args) => {
    const tools = new ActionsFixture();
    const tool = tools.program(program, `print('out'); fs.writeSync(2, 'err'); process.exitCode = 3;`);
    const folder = tools.folder('project');
    const result = await tools.act(action, { working_dir: folder, ...params });
    expect(result).toEqual({ returncode: 3, stdout: 'out', stderr: 'err' });
    expect(tool.calls()).toMatchObject([{ args, cwd: folder }]);
    expect(tool.calls()[0]?.env).not.toHaveProperty('SECRET');
    expect(tool.calls()[0]?.env).not.toHaveProperty('DATABASE_URL');
    await tools.close();
  });

  it.each([
    ['run_tests', { runner: 'make' }, 'Unknown runner: make'],
    ['run_tests', { runner: 'constructor' }, 'Unknown runner: constructor'],
    ['lint_project', { linter: 'x' }, 'Unknown linter: x'],
    ['build_project', { build_tool: 'x' }, 'Unknown build tool: x'],
    ['install_dependencies', { manager: 'x' }, 'Unknown manager: x'],
    ['start_dev_server', { framework: 'x' }, 'Unknown framework: x'],
  ])('of %s %j is unknown', async (action, params, stderr) => {
    const result = await fixture.act(action, { working_dir: '.', ...params });
    expect(result).toEqual({ returncode: 1, stdout: '', stderr });
  });

  it('of the project comes before that of the machine', async () => {
    const tools = new ActionsFixture();
    tools.program('eslint', `print('machine')`);
    tools.write('app/node_modules/.bin/eslint', '#!/bin/sh\necho project\n');
    chmodSync(tools.path('app/node_modules/.bin/eslint'), 0o755);
    const act = (working_dir: string) => tools.act('lint_project', { working_dir, linter: 'eslint' });
    expect((await act('app')).stdout).toBe('project\n');
    expect((await act('.')).stdout).toBe('machine');
    await tools.close();
  });

  it('that is not installed is a result', async () => {
    const { returncode, stderr } = await fixture.act('lint_project', { working_dir: '.', linter: 'eslint' });
    expect({ returncode, stderr }).toEqual({ returncode: 1, stderr: 'eslint: spawn eslint ENOENT' });
  });

  it('really builds with npm', async () => {
    fixture.write('built/package.json', JSON.stringify({ scripts: { build: 'node -e "console.log(6*7)"' } }));
    const result = await fixture.act('build_project', { working_dir: 'built' });
    expect(result).toMatchObject({ returncode: 0, stdout: expect.stringMatching(/\n42\n$/) });
  });
});

describe('the desktop', () => {
  it('opens a folder in the editor', async () => {
    const code = fixture.program('code');
    const folder = fixture.folder('to open');
    expect(await fixture.act('open_in_vscode', { path: 'to open' })).toMatchObject({ returncode: 0 });
    expect(code.calls()).toMatchObject([{ args: [folder] }]);
  });

  it('closes programs of a list, and no others', async () => {
    const pkill = fixture.program('pkill', `process.exitCode = args.at(-1) === 'slack' ? 1 : 0;`);
    expect(await fixture.act('close_app', { app: 'Firefox' })).toMatchObject({ returncode: 0 });
    expect(pkill.calls()[0]?.args).toEqual(['-TERM', '-x', '-U', String(process.getuid?.()), 'firefox']);
    expect((await fixture.act('close_app', { app: 'slack' })).stderr).toBe("App 'slack' is not running.");
    expect((await fixture.act('close_app', { app: 'sshd' })).stderr).toMatch(
      /^App 'sshd' may not be closed; these/,
    );
    expect(pkill.calls()).toHaveLength(2);
  });
});

describe('a limit', () => {
  it('of output keeps memory flat in a flood', async () => {
    const flooding = new ActionsFixture();
    flooding.program(
      'codex',
      `const line = Buffer.alloc(65536, 'x'); for (let i = 0; i < 3000; i++) fs.writeSync(1, line);`,
    );
    flooding.program(
      'cline',
      `const line = JSON.stringify({ type: 'agent_event', text: 'x'.repeat(60000) }) + '\\n';
       for (let i = 0; i < 3000; i++) fs.writeSync(1, line);
       print(JSON.stringify({ type: 'run_result', text: 'the end' }) + '\\n');`,
    );
    const before = process.memoryUsage().rss;
    const codex = await flooding.act('run_coding_agent', { agent: 'codex', prompt: 'x' });
    const cline = await flooding.act('run_coding_agent', { agent: 'cline', prompt: 'x' });
    expect(codex.stdout).toHaveLength(8_192);
    expect(cline).toEqual({ returncode: 0, stdout: 'the end', stderr: '' });
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1_048_576);
    await flooding.close();
  });

  it('of its life is when it is told to end, with all that it has started', async () => {
    const slow = new ActionsFixture();
    slow.program(
      'codex',
      `const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
       fs.writeFileSync(${JSON.stringify(slow.path('pids'))}, process.pid + ' ' + child.pid);
       setInterval(() => {}, 1000);`,
    );
    const result = await slow.actUntil('pids', 'shutdown', 'run_coding_agent', {
      agent: 'codex',
      prompt: 'x',
    });
    expect(result).toEqual({ returncode: -1, stdout: '', stderr: 'Process was killed by the shutdown.' });
    const pids = readFileSync(slow.path('pids'), 'utf8').split(' ').map(Number);
    await eventually('both are dead', () => Promise.resolve(pids.every(isDead) || undefined));
    await slow.close();
  });
});

function isDead(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

describe('an archive', () => {
  const extract = (base64: string, name: string) => {
    writeFileSync(fixture.path(`${name}.zip`), Buffer.from(base64, 'base64'));
    execFileSync('python3', ['-m', 'zipfile', '-e', fixture.path(`${name}.zip`), fixture.path(name)]);
  };

  it('has the files of a project, without links and what can be made again', async () => {
    for (const file of ['a.txt', 'deep/b ü.txt', '.env', 'node_modules/x/y', '.git/config', 'empty']) {
      fixture.write(`zipped/${file}`, file === 'empty' ? '' : file);
    }
    symlinkSync('/etc/passwd', fixture.path('zipped/passwd'));
    symlinkSync('/etc', fixture.path('zipped/etc'));
    const result = await fixture.act('zip_project', { working_dir: 'zipped' });
    expect(result.returncode).toBe(0);
    extract(result.stdout, 'unzipped');
    const names = readdirSync(fixture.path('unzipped'), { recursive: true, encoding: 'utf8' });
    expect(names.filter((name) => statSync(fixture.path(`unzipped/${name}`)).isFile()).sort()).toEqual([
      '.env',
      'a.txt',
      'deep/b ü.txt',
      'empty',
    ]);
    expect(fixture.read('unzipped/deep/b ü.txt')).toBe('deep/b ü.txt');
  });

  it('is not cut, and is refused beyond 10 MiB', async () => {
    fixture.folder('large');
    writeFileSync(fixture.path('large/a'), randomBytes(10 * 1_048_576 - 20_000));
    const fits = await fixture.act('zip_project', { working_dir: 'large' });
    expect(fits.returncode).toBe(0);
    expect(fits.stdout.length).toBeGreaterThan(13_000_000);
    writeFileSync(fixture.path('large/b'), randomBytes(40_000));
    expect(await fixture.act('zip_project', { working_dir: 'large' })).toEqual({
      returncode: 1,
      stdout: '',
      stderr: 'Archive exceeds 10 MB limit.',
    });
  });
});
