import {
  flag,
  integer,
  integerOrNull,
  jsonObject,
  type Row,
  text,
  textOrNull,
} from '../../platform/database/row.js';
import {
  type Assignment,
  type AssignmentStatus,
  type Moment,
  type RolloutRecord,
  type ServiceRecord,
} from './domain/deployment.js';
import { type ServiceSpec } from './domain/spec.js';

/** A time as milliseconds. Times of services are written with whole milliseconds, so nothing is lost. */
export function ms(column: string): string {
  return `(extract(epoch from ${column}) * 1000)::float8`;
}

/** The columns of a service, `s`, with what its generation runs, `g`, and what it would go back to, `f`. */
export const SERVICE_COLUMNS = `s.service_id, s.name, s.replicas, s.generation, s.newest_generation, s.fallback_generation,
  s.has_run, s.rollout_state, s.rollout_reason, s.rollout_failures, ${ms('s.rollout_started_at')} as rollout_started_at,
  ${ms('s.rollout_progress_at')} as rollout_progress_at, ${ms('s.rollout_finished_at')} as rollout_finished_at,
  ${ms('s.stopped_at')} as stopped_at, ${ms('s.deleted_at')} as deleted_at, ${ms('s.created_at')} as created_at,
  ${ms('s.updated_at')} as updated_at, s.updated_by, s.version, ${ms('s.open_at')} as open_at,
  ${ms('s.due_at')} as due_at, g.spec, f.spec as fallback_spec`;

export const SERVICES = `services s
  join service_generations g on g.service_id = s.service_id and g.generation = s.generation
  left join service_generations f on f.service_id = s.service_id and f.generation = s.fallback_generation`;

export const ASSIGNMENT_COLUMNS = `a.service_id, a.host_id, a.slot, a.generation, a.status, a.endpoint, a.error,
  ${ms('a.claimed_at')} as claimed_at, ${ms('a.started_at')} as started_at, ${ms('a.updated_at')} as updated_at,
  a.restarts, a.failures, ${ms('a.retry_at')} as retry_at, ${ms('a.stopping_at')} as stopping_at, a.is_lost`;

function moment(row: Row, column: string): Moment {
  const value = row[column];
  if (typeof value !== 'number') throw new TypeError(`Column ${column} should be milliseconds.`);
  return Math.round(value);
}

function momentOrNull(row: Row, column: string): Moment | null {
  return row[column] === null ? null : moment(row, column);
}

/** A service as it is stored, with when it should be looked at. */
export interface StoredService {
  readonly service: ServiceRecord;
  readonly openAt: Moment | null;
  readonly dueAt: Moment | null;
}

export function serviceFromRow(row: Row): StoredService {
  const fallback = integerOrNull(row, 'fallback_generation');
  return {
    service: {
      id: text(row, 'service_id'),
      name: text(row, 'name'),
      replicas: integer(row, 'replicas'),
      generation: integer(row, 'generation'),
      spec: jsonObject(row, 'spec') as unknown as ServiceSpec,
      newestGeneration: integer(row, 'newest_generation'),
      fallback:
        fallback === null
          ? null
          : { generation: fallback, spec: jsonObject(row, 'fallback_spec') as unknown as ServiceSpec },
      hasRun: flag(row, 'has_run'),
      rollout: {
        state: text(row, 'rollout_state') as RolloutRecord['state'],
        reason: text(row, 'rollout_reason'),
        failures: integer(row, 'rollout_failures'),
        startedAt: moment(row, 'rollout_started_at'),
        progressAt: moment(row, 'rollout_progress_at'),
        finishedAt: momentOrNull(row, 'rollout_finished_at'),
      },
      stoppedAt: momentOrNull(row, 'stopped_at'),
      deletedAt: momentOrNull(row, 'deleted_at'),
      createdAt: moment(row, 'created_at'),
      updatedAt: moment(row, 'updated_at'),
      updatedBy: text(row, 'updated_by'),
      version: integer(row, 'version'),
    },
    openAt: momentOrNull(row, 'open_at'),
    dueAt: momentOrNull(row, 'due_at'),
  };
}

export function assignmentFromRow(row: Row): Assignment {
  const stopping = momentOrNull(row, 'stopping_at');
  return {
    hostId: text(row, 'host_id'),
    slot: integer(row, 'slot'),
    generation: integer(row, 'generation'),
    status: text(row, 'status') as AssignmentStatus,
    endpoint: textOrNull(row, 'endpoint'),
    error: textOrNull(row, 'error'),
    claimedAt: moment(row, 'claimed_at'),
    startedAt: momentOrNull(row, 'started_at'),
    updatedAt: moment(row, 'updated_at'),
    restarts: integer(row, 'restarts'),
    failures: integer(row, 'failures'),
    retryAt: momentOrNull(row, 'retry_at'),
    stop: stopping === null ? null : { since: stopping, isLost: flag(row, 'is_lost') },
  };
}

const time = (at: Moment | null) => (at === null ? null : new Date(at).toISOString());

/** The values of a service in the order of the statements that write it, from its id on. */
export function serviceValues({ service, openAt, dueAt }: StoredService): unknown[] {
  const { rollout } = service;
  return [
    ...[service.id, service.name, service.replicas, service.generation, service.newestGeneration],
    ...[
      service.fallback?.generation ?? null,
      service.hasRun,
      rollout.state,
      rollout.reason,
      rollout.failures,
    ],
    ...[rollout.startedAt, rollout.progressAt, rollout.finishedAt, service.stoppedAt, service.deletedAt].map(
      time,
    ),
    ...[openAt, dueAt, service.createdAt, service.updatedAt].map(time),
    ...[service.updatedBy, service.version],
  ];
}

/** An assignment as the record that statements read from JSON. */
export function assignmentRecord(serviceId: string, row: Assignment): object {
  return {
    service_id: serviceId,
    host_id: row.hostId,
    slot: row.slot,
    generation: row.generation,
    status: row.status,
    endpoint: row.endpoint,
    error: row.error,
    claimed_at: time(row.claimedAt),
    started_at: time(row.startedAt),
    updated_at: time(row.updatedAt),
    restarts: row.restarts,
    failures: row.failures,
    retry_at: time(row.retryAt),
    stopping_at: time(row.stop?.since ?? null),
    is_lost: row.stop?.isLost ?? false,
  };
}
