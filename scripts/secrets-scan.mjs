// Looks through all tracked files, and those that are to be, for secrets in forms that are known by sight. Exit code 1 when
// one is found that ALLOWED does not name. `node scripts/secrets-scan.mjs [repository]`. What is found is told by file, line and kind, never by itself.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const own = join(import.meta.dirname, '..');
const root = process.argv[2] ?? own;

/** @type {Readonly<Record<string, RegExp>>} */
const KINDS = {
  'a key of AWS': /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g,
  'a token of GitHub': /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})/g,
  'a token of GitLab': /\bglpat-[A-Za-z0-9_-]{20,}/g,
  'a token of Slack':
    /\bxox[abeoprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com\/services\/T[A-Z0-9]+\/B[A-Z0-9]+\/\w+/g,
  'a token of npm': /\bnpm_[A-Za-z0-9]{36}\b/g,
  'a key of Google': /\bAIza[0-9A-Za-z_-]{35}/g,
  'a key of a model provider': /\b(?:sk-[A-Za-z0-9_-]{20,}|gsk_[A-Za-z0-9]{20,})/g,
  'a token of a Telegram bot': /\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b/g,
  'a private key': /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----\s*[A-Za-z0-9+/=]{16}/g,
  'a key of ours': /\bsk[yc]_[0-9a-f]{56}\b/g,
  'a run token of ours': /\bskr_[A-Za-z0-9_-]{12,}\.[A-Za-z0-9_-]{10,}/g,
  'the secret of a webhook': /\bwhsec_[A-Za-z0-9+/]{24,}={0,2}/g,
  'a password in an address': /\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/'"`$<>{}]+:[^\s@/'"`$<>{}]{12,}@/g,
};

/**
 * Files that may hold something of a known form, with the fingerprint of that very thing, and why it is none. A fingerprint
 * is printed with each find.
 */
const ALLOWED = new Map([
  [
    'src/control-plane/webhooks/signing.test.ts 96ad2ccd8146',
    'the example of the Standard Webhooks specification',
  ],
  ['test/cli/doctor.test.ts 426bb02df499', 'a password of the test, which it looks for in what is printed'],
]);

const fingerprint = (text) => createHash('sha256').update(text).digest('hex').slice(0, 12);

const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
});
const used = new Set();
const finds = [];
let files = 0;
for (const file of listed.toString().split('\0')) {
  if (file === '') continue;
  let content;
  try {
    content = readFileSync(join(root, file));
  } catch (error) {
    // Deleted and not yet told to git, or a folder of its own.
    if (error.code === 'ENOENT' || error.code === 'EISDIR') continue;
    throw error;
  }
  files += 1;
  const text = content.toString('latin1');
  for (const [kind, pattern] of Object.entries(KINDS)) {
    for (const { 0: secret, index } of text.matchAll(pattern)) {
      const exception = `${file} ${fingerprint(secret)}`;
      if (ALLOWED.has(exception)) used.add(exception);
      else finds.push(`${file}:${text.slice(0, index).split('\n').length}: ${kind} (${fingerprint(secret)})`);
    }
  }
}
const stale = root === own ? [...ALLOWED.keys()].filter((exception) => !used.has(exception)) : [];
for (const find of finds) console.error(find);
for (const exception of stale) console.error(`${exception}: allowed, and no longer there`);
if (finds.length + stale.length > 0) process.exit(1);
console.log(`No secrets in ${files} files; ${used.size} named exception${used.size === 1 ? '' : 's'}.`);
