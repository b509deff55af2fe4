import { InvalidArgumentError } from 'commander';
import { durationFlag } from './flags.js';

/** Whether a key works, and until when. */
export function stateOfKey({
  expiresAt,
  revokedAt,
}: {
  readonly expiresAt?: string | null | undefined;
  readonly revokedAt?: string | null | undefined;
}): string {
  if (typeof revokedAt === 'string') return 'revoked';
  if (typeof expiresAt !== 'string') return 'valid';
  return Date.parse(expiresAt) <= Date.now() ? 'expired' : `until ${expiresAt.slice(0, 10)}`;
}

/** A time in UTC, from a duration or an instant. */
export function expiryFlag(value: string): string {
  if (/^\d+(?:\.\d+)?[a-z]+$/.test(value)) return new Date(Date.now() + durationFlag(value)).toISOString();
  const instant = Date.parse(value);
  if (!/^\d{4}-\d{2}-\d{2}/.test(value) || Number.isNaN(instant)) {
    throw new InvalidArgumentError(
      'It must be a duration such as 30d, or a time such as 2027-01-31T00:00:00Z.',
    );
  }
  return new Date(instant).toISOString();
}
