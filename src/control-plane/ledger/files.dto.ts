import { ApiProperty } from '@nestjs/swagger';
import { DEFAULT_LIMIT } from '../../platform/http/cursor.js';
import { Integer, OneOf, Text, TextList } from '../../platform/http/fields.js';
import { LIMITS } from './limits.js';

export class FileRequest {
  /** A file, a folder with all below it (`src/` or `src/**`), or a glob, relative to the project. */
  @Text({ minLength: 1, maxLength: LIMITS.pathLength, example: 'src/**/*.ts' })
  path!: string;

  /** `write`: only this task may touch it. `read`: others may read it meanwhile. */
  @OneOf(['read', 'write'], { optional: true })
  mode: 'read' | 'write' = 'write';
}

export class ClaimFileRequest {
  /** The task that shall own the file. */
  @Text({ minLength: 1, maxLength: LIMITS.idLength })
  task_id!: string;

  /** The token from the claim's answer. */
  @Text({ minLength: 1, maxLength: LIMITS.tokenLength })
  claim_token!: string;

  /** The file, folder or glob, relative to the project. */
  @Text({ maxLength: LIMITS.pathLength, example: 'src/app.ts' })
  file_path!: string;

  /** `write`: only this task may touch it. `read`: others may read it meanwhile. */
  @OneOf(['read', 'write'], { optional: true })
  mode: 'read' | 'write' = 'write';
}

export class ReleaseFilesRequest {
  /** The task that owns them. */
  @Text({ minLength: 1, maxLength: LIMITS.idLength })
  task_id!: string;

  /** The token from the claim's answer. */
  @Text({ minLength: 1, maxLength: LIMITS.tokenLength })
  claim_token!: string;

  /** The files, as they were named when they were taken, or any other spelling of them. */
  @TextList({ maxItems: LIMITS.files, maxLength: LIMITS.pathLength, example: ['src/app.ts'] })
  paths!: string[];
}

export class FreeFilesRequest {
  /** The project whose file it is. Left out: `default`. */
  @Text({ optional: true, nullable: true, maxLength: LIMITS.idLength })
  project_id: string | null = null;

  /** A file, a folder with all below it, or a glob, relative to the project. */
  @Text({ minLength: 1, maxLength: LIMITS.pathLength, example: 'src/app.ts' })
  path!: string;

  /** Why; the tasks' histories keep it. */
  @Text({ optional: true, maxLength: LIMITS.textLength })
  reason = '';
}

export class FreeFilesResponse {
  /** Tasks whose claims were ended, with all that they owned: they wait to be claimed again. */
  released!: string[];
  /** Tasks that keep their files: a gateway may still be executing them, and nobody else can tell. Cancel them if they must end. */
  kept!: string[];
}

export class ListOwnershipQuery {
  /** Only files of this project. */
  @Text({ optional: true, nullable: true, maxLength: LIMITS.idLength })
  project_id: string | null = null;

  /** Rows at most; negative or above 1000 means 1000. */
  @Integer({ optional: true, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
  limit = DEFAULT_LIMIT;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 8_192 })
  cursor: string | null = null;
}

export class ClaimFileResponse {
  /** Whether the task owns the file now. */
  ok!: boolean;
  /** Who owns it; null when the question made no sense: blank path, unknown task, wrong token. */
  @ApiProperty({ type: 'string', nullable: true })
  owner_task_id!: string | null;
  /** All tasks that own it or a part of it: several, when they read it or when it is a pattern. */
  owner_task_ids!: string[];
}

export class ReleaseFilesResponse {
  /** Whether the task is held with that token. */
  ok!: boolean;
  /** The files that it owned and does no longer, as it had called them. */
  released!: string[];
}

export class FileOwnership {
  /** The path as the owning task called it. */
  file_path!: string;
  /** The task that owns it. */
  owning_task!: string;
  /** Null, unless the server shows claim tokens to every reader. */
  @ApiProperty({ type: 'string', nullable: true })
  claim_token!: string | null;
  /** Since when. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  claimed_at!: string;
  /** The project. */
  project_id!: string;
  /** Whether the owner changes it or only reads it. */
  @ApiProperty({ enum: ['read', 'write'] })
  mode!: string;
  /** Who holds the owning task. */
  @ApiProperty({ type: 'string', nullable: true })
  locked_by!: string | null;
  /** When its claim ends unless it is renewed. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  lease_expires_at!: string | null;
  /** Tasks that wait for it, those who come first in front; 100 at most. */
  waiters!: string[];
}

export class FileWaiter {
  /** The task that waits. */
  task_id!: string;
  /** What it waits for, in its normal form. */
  file_path!: string;
  /** The project. */
  project_id!: string;
  /** Whether it wants to change it or only to read it. */
  @ApiProperty({ enum: ['read', 'write'] })
  mode!: string;
  /** Its priority: higher goes first. */
  @ApiProperty({ type: 'integer' })
  priority!: number;
  /** Since when it waits. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  since!: string;
  /** How often it was ready and others were in the way. */
  @ApiProperty({ type: 'integer' })
  losses!: number;
  /** Whether its file is free, so that the next claim may take it. */
  awake!: boolean;
}

export class WaitersResponse {
  /** By task, in the order of arrival. */
  waiters!: FileWaiter[];
  /** Send it as `cursor` for the next page; absent on the last. */
  @ApiProperty({ required: false })
  next_cursor?: string;
}

export class OwnershipResponse {
  /** By path. */
  ownership!: FileOwnership[];
  /** Send it as `cursor` for the next page; absent on the last. */
  @ApiProperty({ required: false })
  next_cursor?: string;
}
