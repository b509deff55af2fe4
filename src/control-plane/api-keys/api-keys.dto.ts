import { ApiProperty } from '@nestjs/swagger';
import { Integer, Moment, Text, TextList } from '../../platform/http/fields.js';
import { type Scope, scopes } from '../../platform/http/scopes.js';
import { type ApiKey } from './api-keys.queries.js';

const MAX_OVERLAP_SECONDS = 30 * 86_400;

export class CreateApiKeyRequest {
  /** Whose key it is, for people to read; two keys may have one label. */
  @Text({ minLength: 1, maxLength: 100, example: 'ci' })
  label!: string;

  /** What it may do. `admin` is everything. */
  @TextList({ maxItems: scopes.length, maxLength: 50, example: ['tasks:read', 'tasks:write'] })
  scopes!: string[];

  /** The only project that it sees and touches. Left out: all. */
  @Text({ optional: true, nullable: true, maxLength: 200 })
  project_id: string | null = null;

  /** When it stops working; null: never. */
  @Moment({ optional: true, nullable: true })
  expires_at: string | null = null;
}

export class RotateApiKeyRequest {
  /** How long the key before it works beside the new one. */
  @Integer({ optional: true, min: 0, max: MAX_OVERLAP_SECONDS })
  overlap_seconds = 86_400;
}

export class ListApiKeysQuery {
  /** Only keys of this project. */
  @Text({ optional: true, nullable: true, maxLength: 200 })
  project_id: string | null = null;

  /** How many at most; 0 for none, negative or above 1000 for 1000. */
  @Integer({ optional: true, min: -1_000_000, max: 1_000_000 })
  limit = 200;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;
}

export class ApiKeyState {
  @ApiProperty({ description: 'The id of the key: what rotates and revokes it.' })
  id!: string;

  @ApiProperty({ description: 'Whose key it is.' })
  label!: string;

  @ApiProperty({ description: 'The first characters of its secret.' })
  prefix!: string;

  @ApiProperty({ enum: scopes, isArray: true, description: 'What it may do.' })
  scopes!: readonly Scope[];

  @ApiProperty({ type: String, nullable: true, description: 'Its only project; null: all.' })
  project_id!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'The key that it was made in place of.' })
  rotated_from!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'When it stops working; null: never.' })
  expires_at!: string | null;

  @ApiProperty({ description: 'When it was made.' })
  created_at!: string;

  @ApiProperty({ type: String, nullable: true, description: 'When it was last used, to the minute.' })
  last_used_at!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'When it was taken out of use.' })
  revoked_at!: string | null;
}

export class ApiKeyResponse {
  @ApiProperty({ description: 'The key.' })
  key!: ApiKeyState;
}

export class NewApiKeyResponse extends ApiKeyResponse {
  @ApiProperty({
    type: String,
    nullable: true,
    description:
      'What callers send. Shown this once: a repetition with the same idempotency key has null, since the secret is kept nowhere.',
  })
  secret!: string | null;
}

export class ApiKeyListResponse {
  @ApiProperty({ type: [ApiKeyState], description: 'Newest first, revoked and expired ones included.' })
  keys!: ApiKeyState[];

  @ApiProperty({ required: false, description: 'Absent on the last page.' })
  next_cursor?: string;
}

export function apiKeyState(key: ApiKey): ApiKeyState {
  return {
    ...{ id: key.id, label: key.label, prefix: key.prefix, scopes: key.scopes, project_id: key.projectId },
    ...{ rotated_from: key.rotatedFrom, expires_at: key.expiresAt, created_at: key.createdAt },
    ...{ last_used_at: key.lastUsedAt, revoked_at: key.revokedAt },
  };
}
