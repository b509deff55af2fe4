// Writes openapi.yaml from the built application, or checks that it is up to date: node scripts/openapi.mjs --write | --check
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { describeApi } from '../dist/control-plane/main.js';

const path = join(import.meta.dirname, '..', 'openapi.yaml');
const text =
  '# Generated from the code by npm run openapi; do not edit.\n' +
  stringify(await describeApi(), { lineWidth: 110, aliasDuplicateObjects: false });

if (process.argv.includes('--write')) writeFileSync(path, text);
else if (readFileSync(path, 'utf8') !== text) {
  console.error('openapi.yaml is not what the code says. Run: npm run openapi');
  process.exit(1);
}
