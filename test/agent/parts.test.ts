import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ExecutionMemory } from '../../src/agent/actions/execution-memory.js';
import { AuditLog } from '../../src/agent/audit/audit-log.js';
import { TerminalOperator } from '../../src/agent/operator/terminal-operator.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { StateDir } from '../../src/platform/state-dir/state-dir.js';
import { eventually } from '../support/eventually.js';

const logger = createLogger('test', 'silent');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skynet-agent-parts-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const files = (path: string) =>
  readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => /[0-9a-f]{64}/.test(name));

describe('the memory of an agent', () => {
  const open = (maxKeptBytes?: number) =>
    new ExecutionMemory(
      StateDir.open(folder, { owner: 'agent', setting: 'S', refuse: (text) => new Error(text) }),
      logger,
      maxKeptBytes,
    );
  const key = (taskId: string) => ({ taskId, idempotencyKey: 'k' });
  const result = { returncode: 3, stdout: 'x'.repeat(5_000), stderr: '' };

  it('is of this folder, and tells what began, what ended, and nothing else', async () => {
    const memory = open();
    const id = memory.id();
    expect(memory.id()).toBe(id);
    expect(await memory.find(key('a'))).toBeUndefined();
    await memory.begin(key('a'), 'f');
    expect(await memory.find(key('a'))).toEqual({ fingerprint: 'f' });
    await memory.finish(key('a'), { fingerprint: 'f', result });
    expect(await memory.find(key('a'))).toEqual({ fingerprint: 'f', result });
    await memory.begin(key('b'), 'f');
    await memory.forget(key('b'));
    expect(await memory.find(key('b'))).toBeUndefined();
    const [file = ''] = files(join(folder, 'executions'));
    expect(statSync(join(folder, 'executions', file)).mode & 0o777).toBe(0o600);
  });

  it('does not let an action begin that cannot be written down, and keeps the end of one that could', async () => {
    const memory = open();
    memory.id();
    await memory.begin(key('a'), 'f');
    rmSync(join(folder, 'executions'), { recursive: true });
    writeFileSync(join(folder, 'executions'), 'in the way');
    await expect(memory.begin(key('b'), 'f')).rejects.toThrow();
    await memory.finish(key('a'), { fingerprint: 'f', result });
    expect(await memory.find(key('a'))).toEqual({ fingerprint: 'f', result });
    rmSync(join(folder, 'executions'));
    memory.start();
    await eventually('it is written down', () =>
      Promise.resolve(
        existsSync(join(folder, 'executions')) && files(join(folder, 'executions')).length > 0
          ? true
          : undefined,
      ),
    );
    await memory.stop();
  });

  it('forgets after a day, and of too many results the oldest outputs', async () => {
    const memory = open(12_000);
    memory.id();
    for (const [task, hours] of [
      ['past', 25],
      ['old', 23],
      ['new', 1],
      ['newest', 0],
    ] as const) {
      const before = new Set(existsSync(join(folder, 'executions')) ? files(join(folder, 'executions')) : []);
      await memory.finish(key(task), { fingerprint: 'f', result });
      const [fresh = ''] = files(join(folder, 'executions')).filter((name) => !before.has(name));
      const at = new Date(Date.now() - hours * 3_600_000);
      utimesSync(join(folder, 'executions', fresh), at, at);
    }
    memory.start();
    await eventually('it is swept', async () =>
      (await memory.find(key('past'))) === undefined ? true : undefined,
    );
    await memory.stop();
    expect((await memory.find(key('old')))?.result).toEqual({
      returncode: 3,
      stdout: '',
      stderr: 'The output of this execution is not kept any more.',
    });
    expect((await memory.find(key('new')))?.result).toEqual(result);
    expect((await memory.find(key('newest')))?.result).toEqual(result);
  });
});

describe('the audit log', () => {
  const request = {
    type: 'action_request',
    request_id: '1',
    action: 'git_status',
    params: {},
    confirmed: false,
    timeout_ms: 1,
  } as const;

  it('is put aside when it has grown, and keeps so many files, each of whole lines', async () => {
    const path = join(folder, 'audit.jsonl');
    const audit = new AuditLog({ path, logger, maxBytes: 400, keep: 2 });
    const notes = Array.from({ length: 20 }, () => audit.note(request, { kind: 'refused', error: 'no' }, 1));
    await Promise.all(notes);
    expect(readdirSync(folder).sort()).toEqual(['audit.jsonl', 'audit.jsonl.1', 'audit.jsonl.2']);
    for (const name of readdirSync(folder)) {
      const text = readFileSync(join(folder, name), 'utf8');
      expect(text.length).toBeLessThanOrEqual(400);
      for (const line of text.trimEnd().split('\n')) expect(JSON.parse(line).decision).toBe('refused');
    }
  });

  it('that cannot be written stops nothing', async () => {
    const audit = new AuditLog({ path: '/dev/null/audit.jsonl', logger });
    await expect(audit.note(request, { kind: 'refused', error: 'no' }, 1)).resolves.toBeUndefined();
  });
});

describe('an operator at a terminal', () => {
  const open = (limitMs = 60_000) => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    let shown = '';
    output.on('data', (chunk: Buffer) => (shown += chunk.toString()));
    const operator = new TerminalOperator({ input, output, limitMs });
    const asked = (text: string) =>
      eventually(`“${text}” is shown`, () => Promise.resolve(shown.includes(text) ? true : undefined));
    return { input, operator, asked, shown: () => shown };
  };
  const execution = (action: string) => ({ action, params: {}, confirmed: false });

  it('is asked one question at a time', async () => {
    const { input, operator, asked, shown } = open();
    const answers = [operator.confirm(execution('first')), operator.confirm(execution('second'))];
    await asked('first');
    expect(shown()).not.toContain('second');
    input.write('YES\n');
    await asked('second');
    input.write('maybe\n');
    expect(await Promise.all(answers)).toEqual([true, false]);
  });

  it('who says nothing in time, leaves, or is overruled, has said no', async () => {
    expect(await open(20).operator.confirm(execution('a'))).toBe(false);
    const overruled = open();
    const answers = [overruled.operator.confirm(execution('b')), overruled.operator.confirm(execution('c'))];
    await overruled.asked('b');
    overruled.operator.denyAll();
    expect(await Promise.all(answers)).toEqual([false, false]);
    expect(overruled.shown()).not.toContain('asks for: c');
    const gone = open();
    const answer = gone.operator.confirm(execution('d'));
    await gone.asked('d');
    gone.input.end();
    expect(await answer).toBe(false);
    expect(await gone.operator.confirm(execution('e'))).toBe(false);
  });
});
