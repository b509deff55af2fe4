import { AnyObject, Flag, Integer, Moment, Text, TextList } from '../../platform/http/fields.js';
import { ApiProperty } from '@nestjs/swagger';
import { type Price } from './domain/price.js';
import { type StoredKey } from './keys.queries.js';

const MAX_CAPABILITIES = 100;

export class CreatePublicKeyRequest {
  /** Whose key it is, for people to read; two keys may have one label. */
  @Text({ minLength: 1, maxLength: 100, example: 'acme' })
  label!: string;

  /** What its jobs may require of hosts, and do when they say nothing. At least one. */
  @TextList({ maxItems: MAX_CAPABILITIES, maxLength: 200, example: ['openclaw'] })
  capabilities!: string[];

  /** Whether it may hand in shell jobs. */
  @Flag({ optional: true })
  shell = false;

  /** Whether its jobs may name the image that they run in. */
  @Flag({ optional: true })
  image = false;

  /** Whether its jobs may ask for the network of their container. */
  @Flag({ optional: true })
  network = false;

  /** When it stops working; null: never. */
  @Moment({ optional: true, nullable: true })
  expiresAt: string | null = null;

  /** Requests in a minute; null: what all keys may, 0: without a limit. */
  @Integer({ optional: true, nullable: true, min: 0, max: 1_000_000 })
  ratePerMinute: number | null = null;

  /** Jobs in a month (UTC); null: without a limit. */
  @Integer({ optional: true, nullable: true, min: 0, max: 1_000_000_000 })
  monthlyJobs: number | null = null;

  /** What each of its jobs costs: `{network, amount, asset, payTo, maxTimeoutSeconds?, description?, extra?}`, or `{accepts: […]}` with several of them to choose from. Null: what the price list says. */
  @AnyObject({
    optional: true,
    nullable: true,
  })
  price: Record<string, unknown> | null = null;
}

export class ListPublicKeysQuery {
  /** How many at most; 0 for none, negative or above 1000 for 1000. */
  @Integer({ optional: true, min: -1_000_000, max: 1_000_000 })
  limit = 200;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;
}

export class PublicKeyState {
  @ApiProperty({ description: 'The id of the key: what revokes it.' })
  id!: string;

  @ApiProperty({ description: 'Whose key it is.' })
  label!: string;

  @ApiProperty({ description: 'The first characters of its secret.' })
  prefix!: string;

  @ApiProperty({ type: [String], description: 'What its jobs may require of hosts.' })
  capabilities!: readonly string[];

  @ApiProperty({ description: 'Whether it may hand in shell jobs.' })
  shell!: boolean;

  @ApiProperty({ description: 'Whether its jobs may name an image.' })
  image!: boolean;

  @ApiProperty({ description: 'Whether its jobs may ask for the network.' })
  network!: boolean;

  @ApiProperty({ type: String, nullable: true, description: 'When it stops working; null: never.' })
  expiresAt!: string | null;

  @ApiProperty({
    type: Number,
    nullable: true,
    description: 'Requests in a minute; null: what all keys may.',
  })
  ratePerMinute!: number | null;

  @ApiProperty({ type: Number, nullable: true, description: 'Jobs in a month (UTC); null: without a limit.' })
  monthlyJobs!: number | null;

  @ApiProperty({
    type: Object,
    nullable: true,
    description: 'What its jobs cost; null: what the price list says.',
  })
  price!: object | null;

  @ApiProperty({ description: 'Jobs of this month, with those whose payment is under way.' })
  usedThisMonth!: number;

  @ApiProperty({ description: 'When it was made.' })
  createdAt!: string;

  @ApiProperty({ type: String, nullable: true, description: 'When it was last used, to the minute.' })
  lastUsedAt!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'When it was taken out of use.' })
  revokedAt!: string | null;
}

export class PublicKeyResponse {
  @ApiProperty({ description: 'The key.' })
  key!: PublicKeyState;
}

export class CreatePublicKeyResponse extends PublicKeyResponse {
  @ApiProperty({
    type: String,
    nullable: true,
    description:
      'What callers send. Shown this once: a repetition with the same idempotency key has null, since the secret is kept nowhere.',
  })
  secret!: string | null;
}

export class PublicKeyListResponse {
  @ApiProperty({ type: [PublicKeyState], description: 'Newest first, revoked ones included.' })
  keys!: PublicKeyState[];

  @ApiProperty({ required: false, description: 'Absent on the last page.' })
  next_cursor?: string;
}

export function keyState(key: StoredKey): PublicKeyState {
  const { id, label, prefix, capabilities, shell, image, network, expiresAt } = key;
  const { ratePerMinute, monthlyJobs, usedThisMonth, createdAt, lastUsedAt, revokedAt } = key;
  return {
    ...{ id, label, prefix, capabilities, shell, image, network, expiresAt, ratePerMinute, monthlyJobs },
    price: shownPrice(key.price),
    ...{ usedThisMonth, createdAt, lastUsedAt, revokedAt },
  };
}

/** As an operator would write it. */
function shownPrice(price: Price | null): object | null {
  if (price === null) return null;
  const [only, ...others] = price;
  return only !== undefined && others.length === 0 ? only : { accepts: price };
}
