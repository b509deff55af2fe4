import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { LifeLine } from '../../src/actions/processes/life-line.js';
import { type ProcessOptions, runProcess } from '../../src/actions/processes/run-process.js';
import { untilDead } from '../gateway/fixture.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skynet-processes-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lifeLine = new LifeLine();

function node(script: string, more: Partial<ProcessOptions> = {}) {
  const limitSeconds = 30;
  return runProcess(process.execPath, ['-e', script], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '' },
    deadlineMs: performance.now() + limitSeconds * 1_000,
    limitSeconds,
    signal: new AbortController().signal,
    lifeLine,
    ...more,
  });
}

it('kills the whole group of a process at its limit', async () => {
  const script = `
    const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    require('node:fs').writeFileSync('pids', process.pid + ' ' + child.pid);
    console.log('begun');
    process.on('SIGTERM', () => {});
    setInterval(() => {}, 1000);`;
  const result = await node(script, { deadlineMs: performance.now() + 1_500, limitSeconds: 1.5 });
  expect(result).toEqual({
    returncode: -1,
    stdout: 'begun\n',
    stderr: 'Process timed out after 1.5s and was killed.',
  });
  const pids = readFileSync(join(folder, 'pids'), 'utf8').split(' ').map(Number);
  await Promise.all(pids.map((pid) => untilDead(pid)));
});

it('ends what a program leaves behind', async () => {
  const script = `
    const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
    console.log(child.pid); child.unref(); process.exit(0);`;
  const { returncode, stdout } = await node(script);
  expect(returncode).toBe(0);
  await untilDead(Number(stdout));
});

it('gives a program its input, and does not mind when it is not read', async () => {
  const input = 'é'.repeat(1_000_000);
  const read = await node(`console.log(require('node:fs').readFileSync(0, 'utf8').length)`, { input });
  expect(read.stdout).toBe('1000000\n');
  expect(await node(`process.exit(0)`, { input })).toEqual({ returncode: 0, stdout: '', stderr: '' });
  expect((await node(`console.log(require('node:fs').readFileSync(0, 'utf8').length)`)).stdout).toBe('0\n');
});

it('does not start a program after it was told to end', async () => {
  const result = await node('', { signal: AbortSignal.abort('emergency stop') });
  expect(result.stderr).toBe('Process was killed by the emergency stop.');
});
