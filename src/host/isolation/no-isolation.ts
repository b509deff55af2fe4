import { CannotRun, type Cage, type Isolation, type RunRequest } from './isolation.js';
import { childEnvironment, RUN_MARKER } from '../domain/child-environment.js';
import { type Commands } from '../runner/commands.js';
import { isSameProcess, type ProcessIdentity } from '../../platform/processes/process-identity.js';
import { descendantsOf, killProcess, killRun, killRunNow, signalGroup } from '../runner/process-table.js';
import { workFolder } from '../runner/work-folder.js';
import { type RunRecord } from '../state/run-records.js';

export interface NoIsolationOptions {
  readonly commands: Commands;
  readonly workRoot: string;
  readonly passEnv: readonly string[];
  readonly daemonEnv: Readonly<Record<string, string | undefined>>;
}

/**
 * Children run as the daemon's own user, each in a process group of its own. What leaves the group is found again by the
 * run's id in its environment, or by its parents as long as they live.
 */
export class NoIsolation implements Isolation {
  readonly description =
    'none: jobs and services run as the user of this daemon, with its files and network; limits: time and output';
  readonly canAdopt = true;

  constructor(private readonly options: NoIsolationOptions) {}

  async cage(run: RunRequest): Promise<Cage> {
    const { commands, workRoot, passEnv, daemonEnv } = this.options;
    const program = commands.fileOf(run.command);
    if (program === undefined) throw new CannotRun(`command not found on this host: ${run.command}`);
    return {
      ...this.cageOf(run.runId),
      program,
      args: run.args,
      cwd: await workFolder(run.cwd, { workRoot, confined: run.confined }),
      env: {
        ...childEnvironment({ daemon: daemonEnv, passed: passEnv, payload: run.env }),
        ...(run.port === undefined ? {} : { PORT: String(run.port) }),
        [RUN_MARKER]: run.runId,
      },
    };
  }

  cageOf(runId: string): Cage {
    // Noted while their parents live: afterwards nothing tells whose children they were.
    const descendants = new Map<number, ProcessIdentity>();
    const note = (leader: number) => {
      for (const process of descendantsOf(leader)) descendants.set(process.pid, process);
    };
    const killRest = async () => {
      for (const process of descendants.values()) killProcess(process);
      await killRun(runId);
    };
    return {
      program: '',
      args: [],
      cwd: '/',
      env: {},
      signal: async (leader, signal) => {
        note(leader);
        signalGroup(leader, signal);
        if (signal === 'SIGKILL') await killRest();
      },
      clear: async (leader) => {
        signalGroup(leader, 'SIGKILL');
        await killRest();
      },
      killNow: (leader) => {
        signalGroup(leader, 'SIGKILL');
        killRunNow(runId);
      },
      listens: () => Promise.resolve(true),
    };
  }

  async endLeftover({ runId, process }: RunRecord): Promise<void> {
    // By its id alone it could be somebody else by now.
    if (process !== undefined && isSameProcess(process)) {
      await this.cageOf(runId).signal(process.pid, 'SIGKILL');
    }
    await killRun(runId);
  }

  sweep(): Promise<void> {
    // Whatever runs has a record, and ends by it.
    return Promise.resolve();
  }
}
