import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { loadEnv } from '../environment.js';
import { closeOnSignal, say, UsageError } from '../program.js';
import { onReaderGone } from '../terminal.js';
import { ApiClient, type TaskState } from './client.js';
import { LEGACY_TEST, planFor, type PlannedTask } from './plan.js';
import { portOr, Sibling } from './processes.js';
import { LiveView, PlainView, type View } from './view.js';

const GATEWAY = 'quickstart';
const START_LIMIT_MS = 60_000;
const RUN_LIMIT_MS = 120_000;
const LOOK_MS = 100;

/**
 * `skynet quickstart`: starts a control plane and a gateway as processes of their own, makes a git repository in a
 * temporary folder, hands in a graph of tasks, shows it being worked off, and serves on until Ctrl-C.
 */
export async function quickstart(flags: {
  readonly exit?: boolean;
  readonly plain?: boolean;
}): Promise<void> {
  const env = loadEnv();
  const { root, project, legacy } = makeWorkspace();
  const [apiPort, gatewayPort] = [
    await portOr(env.integer('SKYNET_PORT')),
    await portOr(env.integer('OPENCLAW_HTTP_PORT')),
  ];
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const gatewayUrl = `http://127.0.0.1:${gatewayPort}`;

  say('Starting the control plane and a gateway …');
  const serve = Sibling.start('control plane', ['serve'], {
    SKYNET_HOST: '127.0.0.1',
    SKYNET_PORT: String(apiPort),
    // The view below looks more often than a client in production may.
    SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '0',
    OPENCLAW_GATEWAY_URLS: gatewayUrl,
  });
  const siblings = [serve];
  const stopAll = async () => {
    for (const sibling of siblings.toReversed()) await sibling.stop();
  };
  closeOnSignal(async () => {
    say('\nStopping …');
    await stopAll();
  });
  // Unread it is of no use, and what it has started ends with it.
  onReaderGone(() => process.kill(process.pid, 'SIGTERM'));

  try {
    const api = new ApiClient(apiUrl, env.isSet('SKYNET_API_KEY') ? env.text('SKYNET_API_KEY') : undefined);
    await until('the control plane answers', siblings, () => api.isReady());
    const gateway = Sibling.start('gateway', ['gateway'], {
      SKYNET_HTTP_HOST: '127.0.0.1',
      SKYNET_HTTP_PORT: String(gatewayPort),
      SKYNET_ALLOWED_ROOTS: root,
      // It is registered below, with the control plane of this quickstart.
      SKYNET_ORCHESTRATOR_URL: '',
    });
    siblings.push(gateway);
    await until(
      'the gateway is ready',
      siblings,
      async () => (await api.registerGateway(GATEWAY, gatewayUrl)) === 'online',
    );
    say(firstLineAbout(serve.said, 'Data lives') ?? '');
    say(`Control plane ${apiUrl}, gateway ${gatewayUrl}, repository ${project}`);

    const prefix = `qs${Date.now().toString(36)}-`;
    const plan = planFor(project, legacy);
    for (const task of plan) await api.enqueue(asRequest(task, prefix));
    const view: View = process.stdout.isTTY && flags.plain !== true ? new LiveView() : new PlainView();
    const tasks = await watch(api, plan, prefix, siblings, view);
    summarise(tasks, project);
  } catch (error) {
    await stopAll();
    throw error;
  }

  say(`\nAPI docs      ${apiUrl}/docs`);
  say(`Gateway docs  ${gatewayUrl}/docs`);
  say(`Tasks         ${apiUrl}/v1/tasks`);
  say(`Events        ${apiUrl}/v1/events`);
  if (flags.exit === true) {
    await stopAll();
    process.exit(process.exitCode ?? 0);
  }
  say('\nServing until Ctrl-C.');
}

function asRequest(task: PlannedTask, prefix: string): Record<string, unknown> {
  return {
    task_id: prefix + task.name,
    action: task.action,
    params: task.params,
    dependencies: (task.dependencies ?? []).map((name) => prefix + name),
    required_files: task.files ?? [],
    priority: task.priority ?? 0,
  };
}

/** A temporary folder with a new repository, and beside it a part whose tests fail. */
function makeWorkspace(): { root: string; project: string; legacy: string } {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'skynet-quickstart-')));
  const [project, legacy] = [join(root, 'project'), join(root, 'legacy')];
  mkdirSync(project);
  mkdirSync(legacy);
  writeFileSync(join(legacy, 'legacy.test.mjs'), LEGACY_TEST);
  const git = (...args: string[]) => execFileSync('git', args, { cwd: project, stdio: 'pipe' });
  try {
    git('init', '--quiet', '--initial-branch', 'main');
    git('config', 'user.name', 'SKYNET quickstart');
    git('config', 'user.email', 'quickstart@localhost');
    git('config', 'commit.gpgsign', 'false');
  } catch (error) {
    throw new UsageError(`The quickstart needs git 2.28 or newer in PATH: ${(error as Error).message}`);
  }
  return { root, project, legacy };
}

async function until(
  what: string,
  siblings: readonly Sibling[],
  check: () => Promise<boolean>,
): Promise<void> {
  const end = performance.now() + START_LIMIT_MS;
  while (!(await check())) {
    refuseDead(siblings);
    if (performance.now() > end) {
      const last = siblings.map((sibling) => `${sibling.name}: ${sibling.said}`).join('\n');
      throw new UsageError(`Waited too long until ${what}.\n${last}`);
    }
    await wait(LOOK_MS);
  }
}

function refuseDead(siblings: readonly Sibling[]): void {
  const dead = siblings.find((sibling) => sibling.exited);
  if (dead !== undefined) throw new UsageError(`The ${dead.name} has ended:\n${dead.said}`);
}

const ENDED = new Set(['succeeded', 'failed', 'failed_timeout']);

/** Shows the tasks until all have ended. */
async function watch(
  api: ApiClient,
  plan: readonly PlannedTask[],
  prefix: string,
  siblings: readonly Sibling[],
  view: View,
): Promise<TaskState[]> {
  const order = new Map(plan.map((task, index) => [prefix + task.name, index]));
  const end = performance.now() + RUN_LIMIT_MS;
  try {
    for (;;) {
      const [all, ownership] = await Promise.all([api.tasks(1_000), api.ownership()]);
      const tasks = all
        .filter((task) => order.has(task.id))
        .sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
      view.show({ tasks, ownership, prefix });
      if (tasks.every((task) => ENDED.has(task.status))) return tasks;
      refuseDead(siblings);
      if (performance.now() > end) throw new UsageError('The tasks have not ended after two minutes.');
      await wait(LOOK_MS);
    }
  } finally {
    view.end();
  }
}

function summarise(tasks: readonly TaskState[], project: string): void {
  const count = (status: string) => tasks.filter((task) => task.status === status).length;
  say(
    `\n${count('succeeded')} tasks succeeded; ${count('failed')} failed, as planned: one, and the two that needed it.`,
  );
  say(`\nThe git log that they made in ${project}:`);
  say(execFileSync('git', ['log', '--stat', '--format=%h %s'], { cwd: project, encoding: 'utf8' }).trim());
  if (count('succeeded') !== tasks.length - 3) process.exitCode = 1;
}

function firstLineAbout(output: string, start: string): string | undefined {
  return output.split('\n').find((line) => line.startsWith(start));
}
