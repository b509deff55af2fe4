/** What every child sees of the daemon's environment: enough to find programs, a home and a language. */
const INHERITED = new Set(['PATH', 'HOME', 'LANG', 'TMPDIR', 'TZ']);

/** Names that a payload may not set: they decide which code runs, or belong to this product. */
const FORBIDDEN =
  /^(PATH|LD_.*|DYLD_.*|NODE_OPTIONS|BASH_ENV|ENV|PYTHON.*|SKYCLAW_.*|SKYNET_.*|OPENCLAW_.*)$/;

/** Names that are never passed on, whatever SKYCLAW_PASS_ENV says: tokens and keys of this product live under them. */
const NEVER_PASSED = /^(SKYCLAW_|SKYNET_)/;

/** Names the run of a process and of all that descend from it, so that what leaves its process group is found again. */
export const RUN_MARKER = 'HOST_RUN_ID';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ChildEnvironmentOptions {
  readonly daemon: Environment;
  /** SKYCLAW_PASS_ENV. */
  readonly passed: readonly string[];
  readonly payload: Environment;
}

/** What a child sees: the little that is inherited, what the operator passes on, and what the payload may set. */
export function childEnvironment({
  daemon,
  passed,
  payload,
}: ChildEnvironmentOptions): Record<string, string> {
  const names = Object.keys(daemon).filter((name) => INHERITED.has(name) || name.startsWith('LC_'));
  return {
    ...pick(daemon, [...names, ...passed.filter((name) => !NEVER_PASSED.test(name))]),
    ...payloadEnvironment(payload),
  };
}

/** What a payload's `env` may set, without the rest: the names that are forbidden, and what no environment can hold. */
export function payloadEnvironment(payload: Environment): Record<string, string> {
  return pick(
    payload,
    Object.keys(payload).filter((name) => !FORBIDDEN.test(name) && name !== RUN_MARKER),
  );
}

/** Whether SKYCLAW_PASS_ENV may name a variable. */
export function mayBePassed(name: string, secrets: ReadonlySet<string>): boolean {
  return !NEVER_PASSED.test(name) && !secrets.has(name);
}

function pick(source: Environment, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = source[name];
    if (value === undefined || /[=\0]/.test(name) || name === '' || value.includes('\0')) continue;
    picked[name] = value;
  }
  return picked;
}
