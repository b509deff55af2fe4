import { createHash, randomBytes } from 'node:crypto';

const RANDOM_BYTES = 24;
const CHECKSUM_LENGTH = 8;
/** What may be shown of a secret: its prefix and eight digits. */
const SHOWN_DIGITS = 8;
const DIGITS = new RegExp(`^([0-9a-f]{${RANDOM_BYTES * 2}})([0-9a-f]{${CHECKSUM_LENGTH}})$`);

/**
 * The secrets of one kind of key: a prefix that tells the kind, 48 random hex digits, and a checksum of 8 that tells a
 * mistyped one without a look into the database.
 */
export class KeySecrets {
  constructor(private readonly prefix: string) {}

  make(): string {
    const random = randomBytes(RANDOM_BYTES).toString('hex');
    return `${this.prefix}${random}${checksumOf(random)}`;
  }

  /** Whether a text says that it is of this kind, mistyped or not. */
  claims(text: string): boolean {
    return text.startsWith(this.prefix);
  }

  /** Whether a text may be one of them. */
  mayBe(text: string): boolean {
    if (!this.claims(text)) return false;
    const [, random, checksum] = DIGITS.exec(text.slice(this.prefix.length)) ?? [];
    return random !== undefined && checksum === checksumOf(random);
  }

  /** The part of a secret that may be shown. */
  shownPart(secret: string): string {
    return secret.slice(0, this.prefix.length + SHOWN_DIGITS);
  }
}

function checksumOf(random: string): string {
  return createHash('sha256').update(random).digest('hex').slice(0, CHECKSUM_LENGTH);
}
