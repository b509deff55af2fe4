import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { payloadEnvironment, RUN_MARKER } from '../domain/child-environment.js';
import { podmanRunArguments, refusalOfImage } from '../domain/podman-arguments.js';
import { listensOn } from '../../platform/processes/domain/process-stat.js';
import { type PodmanConfig } from '../host.config.js';
import { isSameProcess } from '../../platform/processes/process-identity.js';
import { killRun, signalGroup } from '../runner/process-table.js';
import { workFolder } from '../runner/work-folder.js';
import { type RunRecord } from '../state/run-records.js';
import { type StateDir } from '../../platform/state-dir/state-dir.js';
import { type Cage, CannotRun, type Isolation, type RunRequest } from './isolation.js';
import { type PodmanEngine } from './podman-engine.js';

const ENV_FOLDER = 'container-env';
/** The engine's own trouble, as opposed to the program's. */
const ENGINE_FAILED = 125;
const KILLED = 137;

export interface PodmanIsolationOptions {
  readonly engine: PodmanEngine;
  readonly config: PodmanConfig;
  readonly state: StateDir;
  readonly workRoot: string;
  readonly passEnv: readonly string[];
  readonly daemonEnv: Readonly<Record<string, string | undefined>>;
  /** Address that ports of services are published on. */
  readonly publishAddress: string;
}

/** Each job and each service runs in a container of its own, which sees one folder of this machine. */
export class PodmanIsolation implements Isolation {
  readonly description: string;
  /** Containers of an earlier life are ended: nobody has watched their limits. */
  readonly canAdopt = false;
  /** Names this daemon on its containers, in every life. */
  private readonly label: string;

  constructor(private readonly options: PodmanIsolationOptions) {
    this.description = `podman: ${options.engine.description}`;
    this.label = createHash('sha256').update(options.state.path).digest('hex').slice(0, 16);
  }

  async cage(run: RunRequest): Promise<Cage> {
    const { engine, config, publishAddress } = this.options;
    const image = run.image ?? config.image;
    const refusal = refusalOfImage(image);
    if (refusal !== undefined) throw new CannotRun(refusal);
    const cage = this.cageOf(run.runId);
    const { folder, envFile } = await this.prepare(run);
    const args = podmanRunArguments(
      {
        name: nameOf(run.runId),
        labels: { 'skyclaw.daemon': this.label, 'skyclaw.run': run.runId, [`skyclaw.${run.kind}`]: run.id },
        image,
        command: run.command,
        args: run.args,
        folder,
        envFile,
        network: run.network,
        publish: run.port === undefined ? undefined : { port: run.port, address: publishAddress },
        enforced: engine.enforced,
      },
      config,
    );
    return { ...cage, args: [...engine.first, ...args], env: engine.env };
  }

  cageOf(runId: string): Cage {
    const { engine, config } = this.options;
    const name = nameOf(runId);
    return {
      program: engine.program,
      args: [],
      cwd: '/',
      env: {},
      container: name,
      signal: async (leader, signal) => {
        if (signal === 'SIGTERM') {
          await engine.call(['kill', '--signal=TERM', name]);
          return;
        }
        await engine.call(['kill', '--signal=KILL', name]);
        // The client ends with its container; one that still pulls an image has none.
        signalGroup(leader, 'SIGKILL');
      },
      clear: async () => {
        await engine.call(['rm', '--force', '--time=0', '--ignore', name]);
        await this.forget(runId);
      },
      killNow: (leader) => {
        signalGroup(leader, 'SIGKILL');
        engine.callNow(['rm', '--force', '--time=0', '--ignore', name]);
      },
      explain: (code) => {
        if (code === ENGINE_FAILED) return 'podman could not run the container; stderr says why';
        if (code === KILLED) return `killed in its container, whose memory is bound to ${config.memoryMb} MB`;
        return undefined;
      },
      listens: (port) => this.listens(name, port),
    };
  }

  async endLeftover({ runId, process }: RunRecord): Promise<void> {
    await this.options.engine.call(['rm', '--force', '--time=0', '--ignore', nameOf(runId)]);
    if (process !== undefined && isSameProcess(process)) signalGroup(process.pid, 'SIGKILL');
    await killRun(runId);
    await this.forget(runId);
  }

  async sweep(): Promise<void> {
    const { engine } = this.options;
    const filter = `--filter=label=skyclaw.daemon=${this.label}`;
    const { stdout } = await engine.call(['ps', '--all', '--noheading', filter, '--format={{.Names}}']);
    const names = stdout.split('\n').filter((name) => name !== '');
    if (names.length > 0) await engine.call(['rm', '--force', '--time=0', '--ignore', ...names]);
  }

  private async prepare(run: RunRequest): Promise<{ folder: string; envFile: string }> {
    try {
      return {
        folder: await this.folder(run),
        envFile: this.writeEnvironment(run.runId, this.environment(run)),
      };
    } catch (error) {
      await this.forget(run.runId);
      throw error;
    }
  }

  private environment({ runId, env, port }: RunRequest): Readonly<Record<string, string>> {
    const { passEnv, daemonEnv } = this.options;
    const passed = Object.entries(daemonEnv).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && (passEnv.includes(entry[0]) || /^(LANG|LC_.*|TZ)$/.test(entry[0])),
    );
    return {
      HOME: '/tmp',
      ...Object.fromEntries(passed),
      ...payloadEnvironment(env),
      ...(port === undefined ? {} : { PORT: String(port) }),
      [RUN_MARKER]: runId,
    };
  }

  /** In a file: arguments can be read by everybody on this machine. */
  private writeEnvironment(runId: string, env: Readonly<Record<string, string>>): string {
    const broken = Object.keys(env).find(
      (name) => /[\r\n]/.test(`${name}${env[name] ?? ''}`) || /^[#\s]/.test(name),
    );
    if (broken !== undefined) {
      throw new CannotRun(
        `env.${broken.slice(0, 100)} cannot be given to a container: it has a line break or an odd name`,
      );
    }
    const { state } = this.options;
    const file = state.file(ENV_FOLDER, runId);
    mkdirSync(state.file(ENV_FOLDER), { recursive: true, mode: 0o700 });
    const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(file, lines.join(''), { mode: 0o600 });
    return file;
  }

  /** The folder that the container sees: the one that is asked for, below the work root, or a new one of its own. */
  private async folder({ runId, cwd }: RunRequest): Promise<string> {
    const { workRoot } = this.options;
    if (cwd === undefined) mkdirSync(this.ownFolder(runId), { recursive: true, mode: 0o700 });
    const folder = await workFolder(cwd ?? this.ownFolder(runId), { workRoot, confined: true });
    if (/[,"\n]/.test(folder))
      throw new CannotRun('The path of the working directory has a comma, a quote or a line break.');
    return folder;
  }

  private ownFolder(runId: string): string {
    return join(this.options.workRoot, `run-${runId}`);
  }

  /** Removes what was made for a run. */
  private async forget(runId: string): Promise<void> {
    rmSync(this.options.state.file(ENV_FOLDER, runId), { force: true });
    const folder = this.ownFolder(runId);
    try {
      await rm(folder, { recursive: true, force: true });
    } catch {
      // Files of the container's other users belong to ids that only podman may act for.
      await this.options.engine.call(['unshare', 'rm', '-rf', folder]);
    }
  }

  /** A published port accepts connections before the service does, so the container's own sockets are looked at. */
  private async listens(name: string, port: number): Promise<boolean> {
    const { stdout } = await this.options.engine.call(['inspect', '--format={{.State.Pid}}', name]);
    const pid = stdout.trim();
    if (!/^[1-9]\d*$/.test(pid)) return false;
    const tables = await Promise.all(
      ['tcp', 'tcp6'].map((table) => readFile(`/proc/${pid}/net/${table}`, 'latin1').catch(() => '')),
    );
    return tables.some((table) => listensOn(table, port));
  }
}

const nameOf = (runId: string) => `skyclaw-${runId}`;
