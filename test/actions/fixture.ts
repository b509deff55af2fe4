import { execFileSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import {
  ActionRunner,
  type ActionRunnerOptions,
  actionsConfig,
  type Execution,
  type HaltReason,
} from '../../src/actions/index.js';
import { type ActionResult } from '../../src/contracts/gateway-api.js';
import { Env } from '../../src/platform/config/env.js';
import { eventually } from '../support/eventually.js';

/** A call of a program that is not the real one. */
export interface SeenCall {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
}

export interface ActMore extends Partial<Pick<Execution, 'confirmed' | 'files'>> {
  readonly signal?: AbortSignal;
}

/**
 * Where the machine has its programs: without those of this project, which `npm test` puts before them, and without
 * folders that this user may not look into.
 */
const machinePath = () =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.endsWith('node_modules/.bin') && mayLookInto(folder));

function mayLookInto(folder: string): boolean {
  try {
    accessSync(folder, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A folder that actions may touch, a folder of programs that come first in PATH, and a runner. */
export class ActionsFixture {
  readonly root: string;
  readonly home: string;
  private readonly bin: string;
  readonly runner: ActionRunner;
  private readonly base: string;

  constructor(settings: Record<string, string> = {}, options: Partial<ActionRunnerOptions> = {}) {
    this.base = realpathSync(mkdtempSync(join(tmpdir(), 'skynet-actions-test-')));
    [this.root, this.home, this.bin] = [
      join(this.base, 'root'),
      join(this.base, 'home'),
      join(this.base, 'bin'),
    ];
    for (const folder of [this.root, this.home, this.bin]) mkdirSync(folder);
    const env = {
      PATH: [this.bin, ...machinePath()].join(delimiter),
      HOME: this.home,
      TMPDIR: this.base,
      SECRET: 'hidden',
      DATABASE_URL: 'hidden',
      AGENT_KEY: 'for the agent',
    };
    this.runner = new ActionRunner({
      roots: [this.root],
      env,
      config: actionsConfig(new Env(settings)),
      ...options,
    });
  }

  async close(): Promise<void> {
    await this.runner.background.end();
    rmSync(this.base, { recursive: true, force: true });
  }

  path(name: string): string {
    return join(this.root, name);
  }

  folder(name: string): string {
    mkdirSync(this.path(name), { recursive: true });
    return this.path(name);
  }

  write(name: string, content: string): void {
    mkdirSync(join(this.path(name), '..'), { recursive: true });
    writeFileSync(this.path(name), content);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  /** A repository with one commit of these files. */
  repository(name: string, files: Record<string, string> = { 'README.md': 'hello\n' }): string {
    const folder = this.folder(name);
    this.git(folder, 'init', '-q', '-b', 'main');
    this.git(folder, 'config', 'user.name', 't');
    this.git(folder, 'config', 'user.email', 't@localhost');
    for (const [file, content] of Object.entries(files)) this.write(join(name, file), content);
    this.git(folder, 'add', '-A');
    this.git(folder, 'commit', '-q', '-m', 'first');
    return folder;
  }

  git(folder: string, ...args: string[]): string {
    return execFileSync('git', args, { cwd: folder, encoding: 'utf8' });
  }

  /**
   * Puts a program of this name first in PATH. It notes how it was called and then does `script`, which is JavaScript with
   * `args`, `input`, `fs` and `print` at hand.
   */
  program(name: string, script = ''): { readonly calls: () => SeenCall[] } {
    const log = join(this.base, `${name}.calls`);
    writeFileSync(
      join(this.bin, name),
      `#!${process.execPath}
       const fs = require('node:fs');
       const { execFileSync } = require('node:child_process');
       const args = process.argv.slice(2);
       const print = (text) => fs.writeSync(1, text);
       let input = '';
       try { input = fs.readFileSync(0, 'utf8'); } catch {}
       fs.appendFileSync(${JSON.stringify(log)}, JSON.stringify({ args, cwd: process.cwd(), env: process.env, input }) + '\\n');
       ${script}`,
    );
    chmodSync(join(this.bin, name), 0o755);
    return {
      calls: () =>
        existsSync(log)
          ? readFileSync(log, 'utf8')
              .split('\n')
              .slice(0, -1)
              .map((line) => JSON.parse(line) as SeenCall)
          : [],
    };
  }

  /** Why an action is refused; null when it is not. */
  refusal(action: string, params: object = {}, confirmed = true): Promise<string | null> {
    return this.runner.refusalOf({ action, params: { ...params }, confirmed });
  }

  /** The result of an action that is not refused. */
  async act(
    action: string,
    params: object = {},
    { confirmed = true, files, signal = new AbortController().signal }: ActMore = {},
  ): Promise<ActionResult> {
    const execution = { action, params: { ...params }, confirmed, ...(files === undefined ? {} : { files }) };
    const refused = await this.runner.refusalOf(execution);
    if (refused !== null) throw new Error(`Refused: ${refused}`);
    const answer = await this.runner.run(execution, signal);
    if (answer.kind !== 'executed') throw new Error(`It was ${answer.kind}.`);
    return answer.result;
  }

  until(file: string): Promise<unknown> {
    return eventually(`${file} is there`, () => Promise.resolve(this.has(file) || undefined));
  }

  /** Runs an action until a file that it makes is there, and then tells it to end. */
  async actUntil(file: string, reason: HaltReason, action: string, params: object): Promise<ActionResult> {
    const abort = new AbortController();
    const result = this.act(action, params, { signal: abort.signal });
    await this.until(file);
    abort.abort(reason);
    return result;
  }
}
