import { dirname } from 'node:path';

const PASSED_ON = new Set(['PATH', 'HOME', 'LANG', 'TMPDIR', 'TZ']);

/**
 * What the programs of an action see of the environment: what they need to find themselves and their language, and
 * nothing of the gateway's own settings and secrets. Git never asks at a terminal, and looks for its repository only
 * inside of the allowed roots: without a ceiling it would climb to one that lies around them.
 */
export function childEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  roots: readonly string[],
): Record<string, string> {
  const passed = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (PASSED_ON.has(entry[0]) || entry[0].startsWith('LC_')),
  );
  return {
    ...Object.fromEntries(passed),
    GIT_TERMINAL_PROMPT: '0',
    GIT_CEILING_DIRECTORIES: roots.map((root) => dirname(root)).join(':'),
  };
}

/** Those variables of the environment that have one of the names. */
export function pickEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
