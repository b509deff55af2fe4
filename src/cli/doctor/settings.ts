import { controlPlaneConfig } from '../../control-plane/index.js';
import { ConfigError } from '../../platform/config/config-error.js';
import { Env, type EnvSource, unknownNames } from '../../platform/config/env.js';
import { type Variable, variables } from '../../platform/config/variables/index.js';
import { namesInFile, type Origin } from '../environment.js';
import { type Finding, ok, trouble, warning } from '../findings.js';

/** A setting as it counts. */
export interface Setting {
  readonly name: string;
  readonly origin: Origin | 'default';
  /** A secret is shown as `(secret)`, whatever it is; undefined: there is no value. */
  readonly value?: string;
}

interface Environment {
  readonly source: EnvSource;
  readonly originOf: (name: string) => Origin;
}

/** Every setting with its value and where that is from. */
export function listSettings({ source, originOf }: Environment): Setting[] {
  return Object.entries(variables as Record<string, Variable>).map(([name, variable]) => {
    const raw = source[name]?.trim() ?? '';
    const value = raw === '' ? variable.default : raw;
    return {
      name,
      origin: raw === '' ? 'default' : originOf(name),
      ...(value === undefined
        ? {}
        : { value: variable.secret === true ? '(secret)' : withoutCredentials(value) }),
    };
  });
}

/** Addresses may carry a password. */
const withoutCredentials = (value: string): string => value.replace(/:\/\/[^/@\s,]*@/g, '://…@');

/** Settings that do not parse, names that nobody reads, and what both places say. */
export function lookAtSettings({ source, originOf }: Environment): Finding[] {
  const set = listSettings({ source, originOf }).filter(({ origin }) => origin !== 'default');
  const from = (wanted: Origin) => set.filter(({ origin }) => origin === wanted).length;
  const unknown = unknownNames(source);
  const shadowed = namesInFile().filter((name) => name in variables && originOf(name) === 'environment');
  return [
    ok(
      'settings',
      `${from('environment')} from the environment, ${from('.env file')} from .env, all others by default (--json lists all).`,
    ),
    ...unknown.map(({ name, meant }) =>
      warning(
        'settings',
        `${name} (${originOf(name)}) is not a setting${meant === undefined ? '' : `; ${meant} was probably meant`}.`,
        'Nobody reads it: what it was to change is as it is by default.',
        meant === undefined
          ? 'Remove it, or see .env.example for the right name.'
          : `Call it ${meant}, or remove it.`,
      ),
    ),
    ...(shadowed.length === 0
      ? []
      : [
          ok('settings', `Set in both places, where the environment wins over .env: ${shadowed.join(', ')}.`),
        ]),
    ...lookAtValues(source),
  ];
}

/** What the control plane would say of the values at its start. */
function lookAtValues(source: EnvSource): Finding[] {
  const env = new Env(source);
  try {
    controlPlaneConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [
      trouble(
        'settings',
        error.message,
        'The control plane does not start.',
        'Mend the setting that it names.',
      ),
    ];
  }
  return env.warnings.map((said) =>
    warning(
      'settings',
      said,
      'The control plane goes on without that value.',
      'Mend the value, or remove it.',
    ),
  );
}
