import { setTimeout as wait } from 'node:timers/promises';
import { type ActionResult } from '../../contracts/gateway-api.js';
import { type ActionContext, type MachineActions } from '../machine-action.js';
import { numberParam, text, textParam, whole } from '../parameters.js';
import { done, failed } from '../results.js';
import { type DevServer } from '../servers/dev-servers.js';
import { accepts, freePort } from '../servers/ports.js';
import { haltText } from '../time-limit.js';

/** How long a caller waits for the port to accept before he is told that it does not yet. */
const MOMENT_MS = 10_000;
const LOOK_EVERY_MS = 100;

export const serverActions: MachineActions = {
  start_dev_server: {
    params: {
      working_dir: text({ required: true }),
      framework: text(),
      app_module: text(),
      port: whole(1_024, 65_535),
    },
    holds: ['folder server', 'port'],
    execute: startDevServer,
  },
};

interface Command {
  readonly program: string;
  readonly args: (port: number, appModule: string) => readonly string[];
}

const frameworks: Readonly<Record<string, Command>> = {
  npm: { program: 'npm', args: () => ['run', 'dev'] },
  uvicorn: {
    program: 'python3',
    args: (port, appModule) => ['-m', 'uvicorn', appModule, '--port', String(port)],
  },
};

/**
 * Starts a server that outlives the action, on the given port or a free one, of which it is told by PORT as well. Returns
 * when the port accepts, when the server has ended, or after a moment.
 */
async function startDevServer(context: ActionContext): Promise<ActionResult> {
  const { params, cwd, env, servers, signal } = context;
  const framework = textParam(params, 'framework', 'npm');
  const command = Object.hasOwn(frameworks, framework) ? frameworks[framework] : undefined;
  if (command === undefined) return failed(`Unknown framework: ${framework}`);
  // The one that this one follows must not be taken for it.
  await servers.end((server) => server.folder === cwd || server.port === params['port']);
  const port = numberParam(params, 'port', 0) || (await freePort());
  if (await accepts(port)) return failed(`Port ${port} is in use.`);
  if (signal.aborted) return { returncode: -1, stdout: '', stderr: haltText(signal) };
  const server = await servers.start({
    folder: cwd,
    program: command.program,
    args: command.args(port, textParam(params, 'app_module', 'main:app')),
    env: { ...env, PORT: String(port) },
    port,
  });
  const state = await settled(server, port, signal);
  switch (state) {
    case 'accepting':
      return done(`pid ${server.pid}, port ${port}, accepting`);
    case 'starting':
      return done(`pid ${server.pid}, port ${port}, not accepting yet`);
    case 'halted':
      await servers.end(({ pid }) => pid === server.pid);
      return { returncode: -1, stdout: server.stdout(), stderr: haltText(signal) };
    default: {
      const stderr = [`The server has ended with ${state.code}.`, server.stderr()].join('\n').trim();
      return { ...failed(stderr), stdout: server.stdout() };
    }
  }
}

type State = 'accepting' | 'starting' | 'halted' | { readonly code: number };

async function settled(server: DevServer, port: number, signal: AbortSignal): Promise<State> {
  const end = performance.now() + MOMENT_MS;
  const ended = server.ended.then((code) => ({ code }));
  while (performance.now() < end) {
    if (signal.aborted) return 'halted';
    // It must be this server that accepts, so it must still be there afterwards.
    const isOpen = await accepts(port);
    const look = isOpen ? Promise.resolve('accepting' as const) : wait(LOOK_EVERY_MS, 'again' as const);
    const state = await Promise.race([ended, look]);
    if (state !== 'again') return state;
  }
  return 'starting';
}
