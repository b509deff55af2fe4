import { ApiProperty } from '@nestjs/swagger';

export class QuotaView {
  /** How many there may be; null is no limit. */
  @ApiProperty({ type: 'integer', nullable: true })
  limit!: number | null;
  /** How many there were. */
  @ApiProperty({ type: 'integer' })
  used!: number;
  /** How many are left; null is no limit. */
  @ApiProperty({ type: 'integer', nullable: true })
  left!: number | null;
  /** When the day is over, or the oldest call of the minute leaves it; null when there was none. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  resets_at!: string | null;
}

export class ProviderModelView {
  /** Its name. */
  model!: string;
  /** Tried after the others until then; null when it is not cooling. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  cooling_until!: string | null;
  /** Why it is cooling. */
  @ApiProperty({ type: 'string', nullable: true })
  last_error!: string | null;
}

export class ProviderView {
  /** Its name. */
  name!: string;
  /** Its place in the order, from 1. */
  @ApiProperty({ type: 'integer' })
  priority!: number;
  /** Whether it is configured. */
  registered!: boolean;
  /** Whether a request can go there now. */
  usable!: boolean;
  /** Why not. */
  @ApiProperty({ type: 'string', nullable: true })
  reason!: string | null;
  /** Its models, in the order in which they would be tried now. */
  models!: ProviderModelView[];
  /** Tokens of a request and its answer. */
  @ApiProperty({ type: 'integer' })
  context_tokens!: number;
  /** Answered requests, and those under way, of this UTC day. */
  day!: QuotaView;
  /** Calls of the last 60 s. */
  minute!: QuotaView;
  /** Tokens of requests of this UTC day. */
  @ApiProperty({ type: 'integer' })
  input_tokens_today!: number;
  /** Tokens of answers of this UTC day. */
  @ApiProperty({ type: 'integer' })
  output_tokens_today!: number;
  /** Errors since its last success. */
  @ApiProperty({ type: 'integer' })
  consecutive_errors!: number;
  /** Not chosen until then; null when it is not cooling. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  cooling_until!: string | null;
  /** Chosen after all others until then; null when it is not. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  last_until!: string | null;
  /** What went wrong last. */
  @ApiProperty({ type: 'string', nullable: true })
  last_error!: string | null;
}

export class ProvidersView {
  /** All providers, by priority. */
  providers!: ProviderView[];
}

/** What was asked of a provider in a UTC day. */
export class DayUsageView {
  /** Its name. */
  provider!: string;
  /** The day. */
  @ApiProperty({ format: 'date' })
  day!: string;
  /** Answered requests, and those that were under way. */
  @ApiProperty({ type: 'integer' })
  requests!: number;
  /** Tokens of the requests. */
  @ApiProperty({ type: 'integer' })
  input_tokens!: number;
  /** Tokens of the answers. */
  @ApiProperty({ type: 'integer' })
  output_tokens!: number;
}

/** The same as it was at a certain time of the day. */
export class UsageSnapshotView extends DayUsageView {
  /** When. */
  @ApiProperty({ format: 'date-time' })
  taken_at!: string;
}

export class UsageView {
  /** The last 30 days, newest first; days without a request are left out. */
  days!: DayUsageView[];
  /** Snapshots of the last 7 days, newest first. */
  snapshots!: UsageSnapshotView[];
}
