import { createHash, randomBytes } from 'node:crypto';

const PREFIX = 'skc_';
const RANDOM_BYTES = 24;
const CHECKSUM_LENGTH = 8;
const SHOWN_LENGTH = 12;
const FORM = new RegExp(`^${PREFIX}([0-9a-f]{${RANDOM_BYTES * 2}})([0-9a-f]{${CHECKSUM_LENGTH}})$`);

/** A new secret of a key: `skc_`, 48 random hex digits, and a checksum of 8 that tells a mistyped one. */
export function newSecret(): string {
  const random = randomBytes(RANDOM_BYTES).toString('hex');
  return `${PREFIX}${random}${checksumOf(random)}`;
}

/** Whether a text may be one of our secrets; others need no look into the database. */
export function isSecret(text: string): boolean {
  const [, random, checksum] = FORM.exec(text) ?? [];
  return random !== undefined && checksum === checksumOf(random);
}

/** The part of a secret that may be shown. */
export function shownPart(secret: string): string {
  return secret.slice(0, SHOWN_LENGTH);
}

function checksumOf(random: string): string {
  return createHash('sha256').update(random).digest('hex').slice(0, CHECKSUM_LENGTH);
}
