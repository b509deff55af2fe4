import { type JobPayload } from '../../../contracts/skyclaw.js';
import { type PublicKey } from './public-key.js';

/** Why a job is not taken in: it is wrong (`refused`), or this key may not hand it in (`forbidden`). */
export interface Objection {
  readonly kind: 'refused' | 'forbidden';
  readonly why: string;
}

const refused = (why: string): Objection => ({ kind: 'refused', why });
const forbidden = (why: string): Objection => ({ kind: 'forbidden', why });

/**
 * Names that change what a program of the host loads, or that the host's own programs go by. They count in any case of
 * letters, as they do on some hosts.
 */
const FORBIDDEN_NAMES =
  /^(?:PATH|LD_.*|DYLD_.*|NODE_OPTIONS|BASH_ENV|ENV|PYTHON.*|SKYCLAW_.*|SKYNET_.*|OPENCLAW_.*)$/is;

/** What is to be said against a job that a key hands in; null: nothing. */
export function objectionTo(
  { payload, capabilities }: { readonly payload: JobPayload; readonly capabilities: readonly string[] },
  key: PublicKey,
): Objection | null {
  const name = Object.keys(payload.env ?? {}).find((entry) => FORBIDDEN_NAMES.test(entry));
  if (name !== undefined) return refused(`payload.env.${name.slice(0, 100)} is not allowed`);
  const [folder, path] =
    payload.kind === 'shell' ? ['cwd', payload.cwd] : ['openclawDir', payload.openclawDir];
  if (path !== undefined && !staysBelow(path)) {
    return refused(`payload.${folder} must be a relative path below the work root of the host`);
  }
  if (!capabilities.every((capability) => key.capabilities.includes(capability))) {
    return forbidden('requested capabilities are not allowed for this api key');
  }
  if (payload.kind === 'shell' && !key.shell) {
    return forbidden('shell jobs are not allowed for this api key');
  }
  if (payload.image !== undefined && !key.image) return forbidden('images are not allowed for this api key');
  if (payload.network === true && !key.network) {
    return forbidden('network access is not allowed for this api key');
  }
  return null;
}

/** Whether a path leads to the folder that it starts from or below, at every step, by the rules of any host. */
export function staysBelow(path: string): boolean {
  // Absolute, of a drive, of a share, or of somebody's home.
  if (/^(?:[/\\~]|[A-Za-z]:)/.test(path) || path.includes('\0')) return false;
  let depth = 0;
  for (const step of path.split(/[/\\]/)) {
    // Windows takes dots and spaces at the end of a step away.
    const plain = step.trim();
    if (/^\.\.[. ]*$/.test(plain)) depth--;
    else if (plain !== '' && plain !== '.') depth++;
    if (depth < 0) return false;
  }
  return true;
}
