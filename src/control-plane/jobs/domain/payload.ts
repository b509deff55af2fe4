import { type JobPayload } from '../../../contracts/skyclaw.js';

const TIMEOUT_MS = { min: 1_000, max: 86_400_000 };
/** Entries of a list or of an environment. */
const MOST_ENTRIES = 10_000;

export type ReadPayload =
  { readonly ok: true; readonly payload: JobPayload } | { readonly ok: false; readonly why: string };

/** A payload as it is kept: its known fields, checked. What is wrong with it is told in the words of the API. */
export function readPayload(raw: unknown): ReadPayload {
  if (!isRecord(raw) || raw['kind'] === undefined || raw['kind'] === null)
    return wrong('payload is required');
  switch (raw['kind']) {
    case 'shell':
      return readShell(raw);
    case 'openclaw-run':
      return readOpenClawRun(raw);
    default:
      return wrong(`unsupported payload kind: ${wordOf(raw['kind'])}`);
  }
}

function readShell(raw: Fields): ReadPayload {
  const command = raw['command'];
  if (command === undefined || command === null || command === '') {
    return wrong('payload.command is required');
  }
  if (typeof command !== 'string' || command.trim() === '')
    return wrong('payload.command must be a text that names a program');
  const why = faultOf(raw, { cwd: isText, ...COMMON });
  if (why !== null) return wrong(why);
  return { ok: true, payload: { kind: 'shell', command, ...picked(raw, ['args', 'cwd', ...COMMON_NAMES]) } };
}

function readOpenClawRun(raw: Fields): ReadPayload {
  const why = faultOf(raw, { openclawDir: isText, ...COMMON });
  if (why !== null) return wrong(why);
  const more = picked(raw, ['args', 'openclawDir', ...COMMON_NAMES]);
  return { ok: true, payload: { kind: 'openclaw-run', args: ['run'], ...more } };
}

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => string | null;

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isText: Check = (value) => (typeof value === 'string' ? null : 'must be a text');

const isTextList: Check = (value) =>
  Array.isArray(value) &&
  value.length <= MOST_ENTRIES &&
  value.every((entry) => typeof entry === 'string' && !entry.includes('\0'))
    ? null
    : 'must be a list of texts';

const isEnvironment: Check = (value) =>
  isRecord(value) &&
  Object.keys(value).length <= MOST_ENTRIES &&
  Object.entries(value).every(([name, entry]) => /^[^=\0]+$/.test(name) && typeof entry === 'string')
    ? null
    : 'must be an object of texts, by names without =';

const isTimeout: Check = (value) =>
  Number.isInteger(value) && Number(value) >= TIMEOUT_MS.min && Number(value) <= TIMEOUT_MS.max
    ? null
    : `must be a whole number from ${TIMEOUT_MS.min} to ${TIMEOUT_MS.max}`;

const isFlag: Check = (value) => (typeof value === 'boolean' ? null : 'must be true or false');

const COMMON_NAMES = ['env', 'timeoutMs', 'image', 'network'] as const;
const COMMON = {
  args: isTextList,
  env: isEnvironment,
  timeoutMs: isTimeout,
  image: isText,
  network: isFlag,
} as const;

/** The first field that is there and breaks its rule; null when all keep theirs. */
function faultOf(raw: Fields, checks: Readonly<Record<string, Check>>): string | null {
  for (const [name, check] of Object.entries(checks)) {
    const value = raw[name];
    if (value === undefined || value === null) continue;
    const why = check(value);
    if (why !== null) return `payload.${name} ${why}`;
  }
  return null;
}

function picked(raw: Fields, names: readonly string[]): object {
  return Object.fromEntries(
    names.flatMap((name) => (raw[name] === undefined || raw[name] === null ? [] : [[name, raw[name]]])),
  );
}

function wordOf(value: unknown): string {
  // JSON has no word for undefined.
  const word =
    typeof value === 'string' ? value : ((JSON.stringify(value) as string | undefined) ?? 'undefined');
  return word.slice(0, 100);
}

const wrong = (why: string): ReadPayload => ({ ok: false, why });
