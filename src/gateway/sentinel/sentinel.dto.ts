import { ApiProperty } from '@nestjs/swagger';
import { components } from './domain/component.js';

const STATES = ['up', 'down', 'not_configured'];

/** A gateway that finds a component down. */
export class FailureView {
  /** The gateway. */
  @ApiProperty({ example: 'openclaw-host-8766' })
  gateway!: string;
  /** What it finds. */
  detail!: string;
  /** Since when. */
  @ApiProperty({ format: 'date-time' })
  since!: string;
}

export class ComponentView {
  /** Its name. */
  @ApiProperty({ enum: components })
  name!: string;
  /** How the gateway that answers finds it. */
  @ApiProperty({ enum: STATES })
  state!: string;
  /** The same in a sentence. */
  detail!: string;
  /** Since when it is so. */
  @ApiProperty({ format: 'date-time' })
  since!: string;
  /** The gateways on this database that find it down, at two looks in a row. Null while the database is away. */
  @ApiProperty({ type: [FailureView], nullable: true })
  failures!: FailureView[] | null;
}

export class AlertView {
  /** Grows with each. */
  @ApiProperty({ type: 'integer' })
  id!: number;
  /** The component. */
  @ApiProperty({ enum: components })
  component!: string;
  /** Whether it went down or came back. */
  @ApiProperty({ enum: ['alert', 'recovery'] })
  kind!: string;
  /** What was told. */
  message!: string;
  /** When. */
  @ApiProperty({ format: 'date-time' })
  created_at!: string;
}

export class HealthCheckView {
  /** Who has looked. */
  gateway!: string;
  /** State and detail of each component, by its name. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  findings!: Record<string, unknown>;
  /** When. */
  @ApiProperty({ format: 'date-time' })
  checked_at!: string;
}

export class SentinelView {
  /** The gateway that answers. */
  gateway!: string;
  /** When it has looked last; null before its first look. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  looked_at!: string | null;
  /** All components; none before the first look. */
  components!: ComponentView[];
  /** The latest 50 alerts and recoveries of all gateways, newest first. Null while the database is away. */
  @ApiProperty({ type: [AlertView], nullable: true })
  alerts!: AlertView[] | null;
  /** What the latest 12 health checks have found, newest first. Null while the database is away. */
  @ApiProperty({ type: [HealthCheckView], nullable: true })
  health_checks!: HealthCheckView[] | null;
}
