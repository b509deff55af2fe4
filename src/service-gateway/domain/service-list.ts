import { type Assignment, type Service } from '../../contracts/skyclaw.js';
import { type EndpointAddress, judgeEndpoint } from './endpoint-address.js';

/** A process of a service that takes requests. */
export interface WantedEndpoint {
  /** Another process has another key, even at the same address. */
  readonly key: string;
  readonly address: EndpointAddress;
}

/** A service as the gateway needs it. */
export interface WantedService {
  readonly id: string;
  readonly name: string;
  readonly healthPath: string | undefined;
  readonly endpoints: readonly WantedEndpoint[];
}

export interface ServiceList {
  readonly services: readonly WantedService[];
  /** Endpoints that are left out, a sentence each. */
  readonly refused: readonly string[];
}

/**
 * Reads the services of the coordinator's answer: those that are not stopped, with the endpoints of their running
 * assignments. What does not have the shape of a service is left out.
 */
export function readServices(services: readonly unknown[]): ServiceList {
  const refused: string[] = [];
  const read = services
    .filter(isService)
    .filter(({ status }) => status !== ('stopped' satisfies Service['status']));
  return {
    services: read.map((service) => ({
      id: service.id,
      name: service.name,
      healthPath: typeof service.healthPath === 'string' ? service.healthPath : undefined,
      endpoints: service.assignments
        .filter(isRunning)
        .flatMap((assignment) => wantedEndpoint(service, assignment, refused)),
    })),
    refused,
  };
}

function wantedEndpoint(service: RawService, assignment: RawAssignment, refused: string[]): WantedEndpoint[] {
  const verdict = judgeEndpoint(assignment.endpoint);
  if (verdict.ok) {
    const { hostId, endpoint, generation, restarts } = assignment;
    return [{ key: JSON.stringify([hostId, endpoint, generation, restarts]), address: verdict.address }];
  }
  refused.push(`An endpoint of service ${service.name} is not proxied to: ${verdict.reason}.`);
  return [];
}

/** As far as it is looked at; the rest may be missing or of any kind. */
type RawService = Pick<Service, 'id' | 'name'> & { readonly assignments: readonly unknown[] } & Readonly<
    Partial<Record<'status' | 'healthPath', unknown>>
  >;

type RawAssignment = Required<Pick<Assignment, 'status' | 'endpoint'>> &
  Readonly<Partial<Record<'hostId' | 'generation' | 'restarts', unknown>>>;

function isService(value: unknown): value is RawService {
  if (typeof value !== 'object' || value === null) return false;
  const { id, name, assignments } = value as Record<string, unknown>;
  return typeof id === 'string' && typeof name === 'string' && Array.isArray(assignments);
}

function isRunning(value: unknown): value is RawAssignment {
  if (typeof value !== 'object' || value === null) return false;
  const { status, endpoint } = value as Record<string, unknown>;
  return status === ('running' satisfies Assignment['status']) && typeof endpoint === 'string';
}
