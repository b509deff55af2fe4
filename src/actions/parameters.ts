/** Parameters that name a file or folder: judged by the path jail instead of by their characters. */
const PATH_KEYS = new Set(['path', 'directory', 'project_dir', 'file', 'working_dir']);
/** Parameters that are text for people or programs, and never part of a command line that a shell reads. */
const FREE_TEXT_KEYS = new Set([
  'content',
  'description',
  'message',
  'query',
  'messages',
  'system',
  'tools',
  'prompt',
]);
/** Parameters that become arguments of a program, where a leading dash would be an option. */
const POSITIONAL_KEYS = new Set(['remote', 'branch', 'repo_name', 'tag', 'app_module', ...PATH_KEYS]);

const MAX_LENGTH = 4_096;
const METACHARACTERS = /[;&|`$<>(){}[\]!*?~#\n\r\\"']/;

export type Params = Readonly<Record<string, unknown>>;

/** The text parameters of an action, by name. */
export interface Wanted {
  readonly required: readonly string[];
  readonly optional?: readonly string[];
}

/** Why parameters may not be used, in the words that clients know; null when they may. */
export function refusalOfParams(params: Params): string | null {
  for (const [key, value] of Object.entries(params)) {
    if (typeof value !== 'string' || FREE_TEXT_KEYS.has(key)) continue;
    if (value.length > MAX_LENGTH) return `Parameter '${key}' exceeds maximum length (4096 chars).`;
    if (!PATH_KEYS.has(key) && METACHARACTERS.test(value)) {
      return `Parameter '${key}' contains disallowed shell metacharacters.`;
    }
    if (POSITIONAL_KEYS.has(key) && value.startsWith('-')) {
      return `Parameter '${key}' must not start with '-'.`;
    }
  }
  return null;
}

/** Which of the wanted parameters is missing or is no text; null when none is. */
export function refusalOfWanted(params: Params, { required, optional = [] }: Wanted): string | null {
  const missing = required.find((key) => params[key] === undefined || params[key] === null);
  if (missing !== undefined) return `Parameter '${missing}' is required.`;
  const wrong = [...required, ...optional].find(
    (key) => !isAbsent(params[key]) && typeof params[key] !== 'string',
  );
  if (wrong !== undefined) return `Parameter '${wrong}' must be a string.`;
  // Content may be empty; a path or a message may not.
  const empty = required.find((key) => params[key] === '' && key !== 'content');
  return empty === undefined ? null : `Parameter '${empty}' is required.`;
}

/** The parameters that the path jail has to judge. */
export function pathParams(params: Params): [key: string, path: string][] {
  return Object.entries(params).filter(
    (entry): entry is [string, string] => PATH_KEYS.has(entry[0]) && typeof entry[1] === 'string',
  );
}

/** A text parameter, or the fallback when it is absent or empty. */
export function textParam(params: Params, key: string, fallback = ''): string {
  const value = params[key];
  return typeof value === 'string' && value !== '' ? value : fallback;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
