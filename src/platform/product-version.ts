import { readFileSync } from 'node:fs';

/** The version in package.json, which lies two levels above this file in `src/` and in `dist/` alike. */
export const productVersion: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
