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

/** What a parameter of an action has to be. */
export type ParamRule =
  | {
      readonly kind: 'text';
      readonly required?: boolean;
      /** Otherwise an empty text counts as missing. */
      readonly mayBeEmpty?: boolean;
      readonly maxCharacters?: number;
      /** All that it may consist of, and the same in words. */
      readonly only?: { readonly pattern: RegExp; readonly words: string };
    }
  | { readonly kind: 'number'; readonly whole: boolean; readonly min: number; readonly max: number }
  | { readonly kind: 'flag' }
  | { readonly kind: 'list'; readonly required?: boolean };

type RuleOf<Kind extends ParamRule['kind']> = Omit<Extract<ParamRule, { kind: Kind }>, 'kind'>;

export const text = (rule: RuleOf<'text'> = {}): ParamRule => ({ kind: 'text', ...rule });
export const whole = (min: number, max: number): ParamRule => ({ kind: 'number', whole: true, min, max });
export const decimal = (min: number, max: number): ParamRule => ({ kind: 'number', whole: false, min, max });
export const flag = (): ParamRule => ({ kind: 'flag' });
/** A list of JSON objects. */
export const list = (rule: RuleOf<'list'> = {}): ParamRule => ({ kind: 'list', ...rule });

/** The parameters that an action knows, by name. Others are ignored. */
export type ParamRules = Readonly<Record<string, ParamRule>>;

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

/** Which parameter is missing or not what the action wants; null when none is. What is missing is told first. */
export function refusalOfWanted(params: Params, rules: ParamRules): string | null {
  const wanted = Object.entries(rules);
  const missing = wanted.find(([key, rule]) => isRequired(rule) && isAbsent(params[key]));
  if (missing !== undefined) return `Parameter '${missing[0]}' is required.`;
  for (const [key, rule] of wanted) {
    const refusal = isAbsent(params[key]) ? null : refusalOfValue(params[key], rule);
    if (refusal !== null) return `Parameter '${key}' ${refusal}.`;
  }
  return null;
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

/** A number parameter, or the fallback when it is absent. */
export function numberParam(params: Params, key: string, fallback: number): number {
  const value = params[key];
  return typeof value === 'number' ? value : fallback;
}

/** Whether a parameter is true; absent is false. */
export function flagParam(params: Params, key: string): boolean {
  return params[key] === true;
}

function refusalOfValue(value: unknown, rule: ParamRule): string | null {
  switch (rule.kind) {
    case 'text': {
      if (typeof value !== 'string') return 'must be a string';
      const { required = false, mayBeEmpty = false, maxCharacters = Infinity, only } = rule;
      if (value === '') return required && !mayBeEmpty ? 'is required' : null;
      if (value.length > maxCharacters) return `exceeds maximum length (${maxCharacters} chars)`;
      return only === undefined || only.pattern.test(value) ? null : `may consist of ${only.words} only`;
    }
    case 'number': {
      const { min, max } = rule;
      const fits = typeof value === 'number' && value >= min && value <= max;
      if (fits && (!rule.whole || Number.isInteger(value))) return null;
      return `must be a ${rule.whole ? 'whole ' : ''}number from ${min} to ${max}`;
    }
    case 'flag':
      return typeof value === 'boolean' ? null : 'must be true or false';
    case 'list':
      if (!Array.isArray(value) || !value.every(isObject)) return 'must be a list of objects';
      return rule.required === true && value.length === 0 ? 'is required' : null;
  }
}

function isRequired(rule: ParamRule): boolean {
  return (rule.kind === 'text' || rule.kind === 'list') && rule.required === true;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
