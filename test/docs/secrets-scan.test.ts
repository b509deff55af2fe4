import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skynet-scan-'));
  execFileSync('git', ['init', '--quiet', folder]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const scan = () => spawnSync(process.execPath, ['scripts/secrets-scan.mjs', folder], { encoding: 'utf8' });
const hex = (length: number) => 'a1'.repeat(length / 2);

/** Put together here, or the scan of this repository would find them. */
const SECRETS: Readonly<Record<string, string>> = {
  'a key of AWS': 'AK' + 'IAIOSFODNN7EXAMPLE',
  'a token of GitHub': 'gh' + 'p_' + 'a1B2'.repeat(9),
  'a token of Slack': 'xox' + 'b-1234567890-abcdef',
  'a key of a model provider': 's' + 'k-' + 'a1B2'.repeat(8),
  'a private key': '-----BEGIN ' + 'PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B',
  'a key of ours': 'sk' + 'y_' + hex(56),
  'a run token of ours': 'sk' + 'r_WyJhIiwiYiIsImMiXQ.' + hex(32),
  'the secret of a webhook': 'whs' + 'ec_' + 'MfKQ'.repeat(8),
  'a password in an address': 'postgres' + '://skynet:hunter2hunter2@db/skynet',
};

describe('the scan for secrets', () => {
  it('finds each known form, and tells where it is without telling it', () => {
    Object.values(SECRETS).forEach((secret, n) =>
      writeFileSync(join(folder, `${n}.txt`), `first\nx=${secret}\n`),
    );
    const { status, stderr } = scan();
    expect(status).toBe(1);
    const found = stderr
      .trim()
      .split('\n')
      .map((line) => line.replace(/ \(\w{12}\)$/, ''));
    expect(found.sort()).toEqual(Object.keys(SECRETS).map((kind, n) => `${n}.txt:2: ${kind}`));
    for (const secret of Object.values(SECRETS)) expect(stderr).not.toContain(secret);
  });

  it('finds nothing in what only looks a little like one', () => {
    Object.keys(SECRETS).forEach((_, n) => rmSync(join(folder, `${n}.txt`)));
    writeFileSync(
      join(folder, 'a.md'),
      'sky_… and postgres://skynet:${PASSWORD}@db, task-0123456789abcdef0123456789',
    );
    expect(scan()).toMatchObject({ status: 0, stdout: 'No secrets in 1 files; 0 named exceptions.\n' });
  });
});
