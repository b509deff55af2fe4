import { execFile, spawnSync } from 'node:child_process';
import {
  describeEnforcement,
  type Enforcement,
  ENFORCEMENT_SCRIPT,
  podmanRunArguments,
  readEnforcement,
  refusalOfUser,
} from '../domain/podman-arguments.js';
import { ConfigError } from '../../platform/config/config-error.js';
import { type PodmanConfig } from '../host.config.js';
import { Commands } from '../runner/commands.js';

const CALL_LIMIT_MS = 15_000;
/** The first container may have its image pulled. */
const FIRST_LIMIT_MS = 300_000;
/** The exit code of a command that is not in the image. */
const NO_SUCH_COMMAND = 127;

/** What podman itself sees of the daemon's environment. */
const PODMAN_ENV =
  /^(PATH|HOME|USER|LANG|LC_.*|TMPDIR|TZ|XDG_RUNTIME_DIR|XDG_CONFIG_HOME|XDG_DATA_HOME|DBUS_SESSION_BUS_ADDRESS)$/;

export interface CallResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Podman on this machine, tried out once. */
export class PodmanEngine {
  private constructor(
    readonly program: string,
    /** Arguments before the first one of each call. */
    readonly first: readonly string[],
    readonly env: Readonly<Record<string, string>>,
    /** What holds of the limits of a container; undefined when the image has no shell to find out. */
    readonly enforced: Enforcement | undefined,
    readonly description: string,
  ) {}

  /** Finds podman and runs a container as jobs will run. Throws a {@link ConfigError} when that is impossible. */
  static async open(
    config: PodmanConfig,
    daemonEnv: Readonly<Record<string, string | undefined>>,
  ): Promise<PodmanEngine> {
    const program = new Commands(['podman'], daemonEnv['PATH'] ?? '').fileOf('podman');
    if (program === undefined) {
      throw new ConfigError(
        'SKYCLAW_ISOLATION=podman, but there is no podman on the PATH. Install it (Debian and Ubuntu: apt-get install ' +
          'podman runc uidmap slirp4netns fuse-overlayfs), or set SKYCLAW_ISOLATION=none.',
      );
    }
    const refusal = refusalOfUser(process.getuid?.(), config);
    if (refusal !== undefined) throw new ConfigError(refusal);
    const env = Object.fromEntries(
      Object.entries(daemonEnv).filter(
        (entry): entry is [string, string] => entry[1] !== undefined && PODMAN_ENV.test(entry[0]),
      ),
    );
    const runtimes = config.runtime === undefined ? [undefined, 'runc'] : [config.runtime];
    let trouble = '';
    for (const runtime of runtimes) {
      const first = runtime === undefined ? [] : [`--runtime=${runtime}`];
      const trial = await tryOut(new PodmanEngine(program, first, env, undefined, ''), config);
      if (trial.kind === 'failed') {
        trouble = trial.trouble;
        // Another runtime does not bring an image.
        if (!/runtime|crun|cgroup/i.test(trouble)) break;
        continue;
      }
      const version = (await callPodman(program, ['--version'], env)).stdout.trim().replace(' version', '');
      const who = process.getuid?.() === 0 ? 'rootful' : 'rootless';
      return new PodmanEngine(
        program,
        first,
        env,
        trial.enforced,
        `${version} (${who}${runtime === undefined ? '' : `, ${runtime}`}); ` +
          (trial.enforced === undefined
            ? `whether limits hold is not known, as ${config.image} has no shell to find out with`
            : describeEnforcement(trial.enforced, config)),
      );
    }
    throw new ConfigError(
      `SKYCLAW_ISOLATION=podman, but no container of ${config.image} runs here: ${trouble}. ` +
        'Check that the image is there (podman pull) and that podman works for this user (podman info).',
    );
  }

  call(args: readonly string[], limitMs = CALL_LIMIT_MS): Promise<CallResult> {
    return callPodman(this.program, [...this.first, ...args], this.env, limitMs);
  }

  /** Waits for podman without letting anything else happen: this process is about to end. */
  callNow(args: readonly string[]): void {
    spawnSync(this.program, [...this.first, ...args], {
      env: { ...this.env },
      stdio: 'ignore',
      timeout: 5_000,
    });
  }
}

type Trial =
  | { readonly kind: 'works'; readonly enforced: Enforcement | undefined }
  | { readonly kind: 'failed'; readonly trouble: string };

async function tryOut(engine: PodmanEngine, config: PodmanConfig): Promise<Trial> {
  const run = podmanRunArguments(
    {
      name: `skyclaw-trial-${process.pid}-${Date.now()}`,
      labels: {},
      image: config.image,
      command: 'sh',
      args: ['-c', ENFORCEMENT_SCRIPT],
      folder: undefined,
      envFile: undefined,
      network: false,
      publish: undefined,
      enforced: undefined,
    },
    config,
  );
  const { code, stdout, stderr } = await engine.call(run, FIRST_LIMIT_MS);
  if (code === 0) return { kind: 'works', enforced: readEnforcement(stdout, config) };
  if (code === NO_SUCH_COMMAND) return { kind: 'works', enforced: undefined };
  return {
    kind: 'failed',
    trouble: stderr.trim().split('\n').at(-1)?.replace(/\.$/, '') ?? `exit code ${code}`,
  };
}

/** Never rejects: what could not be called has exit code -1 and says why on stderr. */
function callPodman(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  limitMs = CALL_LIMIT_MS,
): Promise<CallResult> {
  return new Promise((done) => {
    const options = { env: { ...env }, cwd: '/', timeout: limitMs, killSignal: 'SIGKILL' as const };
    execFile(program, [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      done({ code, stdout, stderr: code === -1 && stderr === '' ? (error?.message ?? '') : stderr });
    });
  });
}
