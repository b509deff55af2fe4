import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { KeptOutput } from '../processes/kept-output.js';
import { type LifeLine } from '../processes/life-line.js';
import { killGroup } from '../processes/process-group.js';
import { MAX_STDERR, MAX_STDOUT } from '../results.js';

/** Servers that run at once. Beyond these none is started. */
const MAX_SERVERS = 10;

export interface DevServerPlan {
  readonly folder: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
}

/** A server under way. */
export interface DevServer {
  readonly pid: number;
  /** Resolves with the exit code when it has ended, however; what it printed first is in `stdout` and `stderr`. */
  readonly ended: Promise<number>;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

interface Tracked extends DevServer {
  readonly folder: string;
  readonly port: number;
}

/**
 * The development servers of this process. They outlive the action that starts them, and end at the emergency stop, with
 * this process, or when another is started in their folder.
 */
export class DevServers {
  private readonly running = new Set<Tracked>();

  constructor(private readonly lifeLine: LifeLine) {}

  get count(): number {
    return this.running.size;
  }

  /** Starts a server, after it has ended one of the same folder. Throws when there are too many, or it cannot be started. */
  async start({ folder, program, args, env, port }: DevServerPlan): Promise<DevServer> {
    await this.end((server) => server.folder === folder || server.port === port);
    if (this.running.size >= MAX_SERVERS) throw new Error(`${MAX_SERVERS} servers are running already.`);
    const child = spawn(program, args, {
      cwd: folder,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (child.pid === undefined) {
      const [error] = (await once(child, 'error')) as [Error];
      throw new Error(`${program}: ${error.message}`);
    }
    const server: Tracked = { folder, port, ...this.track(child, child.pid) };
    this.running.add(server);
    void server.ended.then(() => this.running.delete(server));
    return server;
  }

  /** Kills servers with all that they have started, and resolves when they have ended. Without a condition: all. */
  async end(which: (server: Tracked) => boolean = () => true): Promise<void> {
    const those = [...this.running].filter(which);
    for (const { pid } of those) killGroup(pid);
    await Promise.all(those.map(({ ended }) => ended));
  }

  private track(child: ChildProcess, pid: number): DevServer {
    this.lifeLine.tie(pid);
    const stdout = new KeptOutput({ from: 'start', maxCharacters: MAX_STDOUT });
    const stderr = new KeptOutput({ from: 'start', maxCharacters: MAX_STDERR });
    child.stdout?.on('data', (chunk: Buffer) => stdout.add(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk));
    // A kill that failed is told by this event; the end of the process is still to come.
    child.on('error', () => undefined);
    const ended = new Promise<number>((resolve) => {
      child.once('exit', (code) => {
        killGroup(pid);
        this.lifeLine.untie(pid);
        resolve(code ?? -1);
      });
    });
    return { pid, ended, stdout: () => stdout.text(), stderr: () => stderr.text() };
  }
}
