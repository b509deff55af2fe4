import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { type Logger } from '../../platform/logging/logger.js';
import { type Every, Loop } from '../../platform/loops/loop.js';
import {
  type CapabilityProbe,
  offeredCapabilities,
  parseCapabilityProbes,
} from '../domain/capability-probes.js';
import { childEnvironment } from '../domain/child-environment.js';
import { ConfigError } from '../../platform/config/config-error.js';
import { signalGroup } from '../runner/process-table.js';

const COMMAND_LIMIT_MS = 10_000;

export interface CapabilityProberOptions {
  readonly file: string | undefined;
  /** What is offered whatever the probes say. */
  readonly always: readonly string[];
  readonly periodMs: number;
  readonly passEnv: readonly string[];
  readonly daemonEnv: Readonly<Record<string, string | undefined>>;
  /** Called when what is offered has changed. */
  readonly onChange: () => void;
  readonly logger: Logger;
  readonly every: Every;
}

/** Finds out again and again which capabilities of the probe file this host has. */
export class CapabilityProber extends Loop {
  private readonly probes: readonly CapabilityProbe[];
  private passing: readonly string[] = [];

  /** Throws a {@link ConfigError} when the file cannot be read. */
  constructor(private readonly options: CapabilityProberOptions) {
    super({ name: 'capability probes', intervalMs: options.periodMs, logger: options.logger }, options.every);
    this.probes = options.file === undefined ? [] : readProbes(options.file);
  }

  /** What this host offers now: trimmed, unique and sorted. */
  get capabilities(): readonly string[] {
    // What has a probe is offered by its probe alone.
    const probed = new Set(this.probes.map(({ capability }) => capability));
    return offeredCapabilities(
      this.options.always.filter((name) => !probed.has(name)),
      this.passing,
    );
  }

  /** Runs all probes once, for the first registration. */
  async check(): Promise<void> {
    const verdicts = await Promise.all(
      this.probes.map(async (probe) => ({ probe, trouble: await this.troubleOf(probe) })),
    );
    for (const { probe, trouble } of verdicts) {
      const { capability } = probe;
      if (trouble === undefined && !this.passing.includes(capability)) {
        this.logger.info({ capability }, 'A probe passes; the capability is offered.');
      } else if (trouble !== undefined && this.passing.includes(capability)) {
        this.logger.warn({ capability, reason: trouble }, 'A probe fails; the capability is withdrawn.');
      } else if (trouble !== undefined) this.logger.debug({ capability, reason: trouble }, 'A probe fails.');
    }
    this.passing = verdicts
      .filter(({ trouble }) => trouble === undefined)
      .map(({ probe }) => probe.capability);
  }

  /** Starts the rounds, if there is anything to probe. */
  override start(): void {
    if (this.probes.length > 0) super.start();
  }

  protected override async runOnce(): Promise<void> {
    const before = this.capabilities.join();
    await this.check();
    if (this.capabilities.join() !== before) this.options.onChange();
  }

  /** Why a capability is not there; undefined when it is. */
  private async troubleOf({ command, files, env }: CapabilityProbe): Promise<string | undefined> {
    const { daemonEnv, passEnv } = this.options;
    const unset = env.find((name) => (daemonEnv[name] ?? '') === '');
    if (unset !== undefined) return `${unset} is not set`;
    const missing = files.find((file) => !existsSync(resolve(file)));
    if (missing !== undefined) return `${missing} does not exist`;
    const [program, ...args] = command;
    if (program === undefined) return undefined;
    const environment = childEnvironment({ daemon: daemonEnv, passed: [...passEnv, ...env], payload: {} });
    return troubleOfCommand(program, args, environment);
  }
}

function readProbes(file: string): readonly CapabilityProbe[] {
  try {
    return parseCapabilityProbes(parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`SKYCLAW_CAPABILITY_PROBES ${file} cannot be used: ${reason}`);
  }
}

function troubleOfCommand(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<string | undefined> {
  return new Promise((done) => {
    const child = spawn(program, args, { env, detached: true, stdio: 'ignore' });
    const timer = setTimeout(() => {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      done(`${program} took longer than ${COMMAND_LIMIT_MS / 1_000} s`);
    }, COMMAND_LIMIT_MS);
    child.once('error', ({ message }) => {
      clearTimeout(timer);
      done(message);
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      done(code === 0 ? undefined : `${program} ended with ${code ?? 'a signal'}`);
    });
  });
}
