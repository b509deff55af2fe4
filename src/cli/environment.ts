import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { Env, type EnvSource } from '../platform/config/env.js';

const FILE = '.env';

/** Where a variable was set. */
export type Origin = 'environment' | '.env file';

/** The environment of a program: the process's, and what `.env` in the working directory adds to it. */
export function loadEnv(): Env {
  const env = new Env(loadSource());
  env.checkNames();
  return env;
}

/** What {@link loadEnv} reads, and which of the two said what. */
export function loadOrigins(): { readonly source: EnvSource; readonly originOf: (name: string) => Origin } {
  const given = new Set(Object.keys(process.env));
  const source = loadSource();
  return { source, originOf: (name) => (given.has(name) ? 'environment' : '.env file') };
}

/** The names that `.env` sets, whether they count or the environment wins. */
export function namesInFile(): string[] {
  return existsSync(FILE) ? Object.keys(parseEnv(readFileSync(FILE, 'utf8'))) : [];
}

function loadSource(): EnvSource {
  if (existsSync(FILE)) process.loadEnvFile(FILE);
  return process.env;
}
