import { existsSync } from 'node:fs';
import { Env } from '../platform/config/env.js';

/** The environment of a program: the process's, and what `.env` in the working directory adds to it. */
export function loadEnv(): Env {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const env = new Env(process.env);
  env.checkNames();
  return env;
}
