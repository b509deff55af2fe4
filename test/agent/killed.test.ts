import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { act, type Reply } from '../gateway/fixture.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { type Program } from '../support/program.js';
import { AgentFixture, type GatewayProgram } from './fixture.js';
import { FrameProxy } from './frame-proxy.js';

/** Dispatches of one round, and which of them is killed at. */
const DISPATCHES = 25;
const KILL_AT = 12;

let fixture: AgentFixture;
let proxy: FrameProxy;
let gateway: GatewayProgram;
let agent: Program;

beforeAll(async () => {
  fixture = await AgentFixture.create();
  proxy = await FrameProxy.to(`ws://127.0.0.1:${fixture.socketPort}`);
  makeTemplate();
  gateway = await fixture.startGateway();
  agent = await fixture.startConnectedAgent({ SKYNET_GATEWAY_URL: proxy.url });
});
afterAll(async () => {
  await fixture.close();
  await proxy.close();
});

/** A repository whose every commit is counted, whether there is something to commit or not. */
function makeTemplate(): void {
  const folder = fixture.folder('template');
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, stdio: 'ignore' });
  git('init', '--template=', '--initial-branch', 'main');
  git('config', 'user.name', 'Test');
  git('config', 'user.email', 'test@localhost');
  mkdirSync(join(folder, '.git', 'hooks'));
  const hook = join(folder, '.git', 'hooks', 'pre-commit');
  writeFileSync(hook, '#!/bin/sh\necho run >> .git/runs\nsleep 0.1\n');
  chmodSync(hook, 0o755);
  writeFileSync(join(folder, 'file'), 'x');
  git('add', '--all');
}

function repository(name: string): string {
  const folder = join(fixture.root, name);
  cpSync(join(fixture.root, 'template'), folder, { recursive: true });
  return folder;
}

function runsOf(folder: string): number {
  const log = join(folder, '.git', 'runs');
  return existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0;
}

interface Dispatch {
  readonly task: string;
  readonly folder: string;
}

const send = ({ task, folder }: Dispatch): Promise<Reply> =>
  act(
    fixture,
    'git_commit',
    { working_dir: folder, message: 'counted' },
    { task_id: task, idempotency_key: 'k' },
  );

/** Sends a dispatch until its key has an answer for good, as a dispatcher would. */
async function dispatch(one: Dispatch): Promise<Json> {
  for (;;) {
    const reply = await send(one).catch(() => undefined);
    const isLimited = String(reply?.body.error).startsWith('Rate limit');
    if (reply?.status === 200 && !isLimited) return reply.body;
    if (reply !== undefined && reply.status !== 200)
      expect(['unknown', 'not_executed']).toContain(reply.body.outcome);
    await wait(isLimited ? 500 : 50);
  }
}

/** The moment at which somebody is killed: the `KILL_AT`th frame of a kind, held back or gone on. */
interface Step {
  readonly frame: 'action_request' | 'action_response';
  readonly passes: boolean;
}

/** Resolves when the step is reached. */
function reached({ frame, passes }: Step): Promise<void> {
  let seen = 0;
  return new Promise((resolve) => {
    proxy.watch = (_from, { type }) => {
      if (type !== frame || ++seen !== KILL_AT) return true;
      proxy.watch = () => true;
      resolve();
      return passes;
    };
  });
}

const killGateway = async () => {
  await gateway.program.kill('SIGKILL');
  // The ten seconds pass after which a silent process counts as dead.
  await fixture.gateway.sql.query(
    "update gateway.executions set alive_until = now() where state = 'running'",
  );
  gateway = await fixture.startGateway();
};

const killAgent = async () => {
  await agent.kill('SIGKILL');
  agent = fixture.startAgent({ SKYNET_GATEWAY_URL: proxy.url });
};

const INTERRUPTED = 'The agent stopped while this action ran; whether it took effect is unknown.';

const steps: [string, Step][] = [
  ['has been sent, and not received', { frame: 'action_request', passes: false }],
  ['has been received', { frame: 'action_request', passes: true }],
  ['has ended, and its answer was not received', { frame: 'action_response', passes: false }],
  ['has been answered', { frame: 'action_response', passes: true }],
];

it.each(
  steps.flatMap(([when, step]) => [
    ['gateway', when, step, killGateway] as const,
    ['agent', when, step, killAgent] as const,
  ]),
)(
  'the %s is killed when an action %s: each runs once at most and has one end',
  async (who, when, step, kill) => {
    await fixture.untilConnected();
    const dispatches = Array.from({ length: DISPATCHES }, (_, index) => {
      const task = `${who} ${when} ${index}`;
      return { task, folder: repository(task.replaceAll(/\W/g, '-')) };
    });
    const killed = reached(step).then(kill);
    const ends = Promise.all(dispatches.map(dispatch));
    await killed;
    for (const [index, end] of (await ends).entries()) {
      const one = dispatches[index] as Dispatch;
      if (end.status === 'success') {
        expect(end.result).toMatchObject({ returncode: 0 });
        expect(runsOf(one.folder)).toBe(1);
      } else {
        // Only an agent that dies breaks off what it runs.
        expect(who).toBe('agent');
        expect(end.error).toBe(INTERRUPTED);
        expect(runsOf(one.folder)).toBeLessThanOrEqual(1);
      }
      const again = await send(one);
      expect(again).toEqual({ status: 200, body: { ...end, idempotent_replay: true } });
    }
    await eventually('nothing is left open', async () => {
      const { rows } = await fixture.gateway.sql.query(
        "select 1 from gateway.executions where state <> 'done'",
      );
      return rows.length === 0 ? true : undefined;
    });
  },
  90_000,
);
