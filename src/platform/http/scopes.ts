/**
 * What a key may be allowed. `admin` is all of them.
 *
 * `tasks:read`: see tasks, events, files and who is registered. `tasks:write`: hand in, retry and cancel tasks, schedules,
 * approvals. `claims`: work on tasks, jobs and services as a worker or a host. `files:admin`: settle who owns files.
 * `gateways:write`: register gateways and take them out of service. `services:deploy`: deploy, scale and stop services.
 * `jobs:submit`: hand in and cancel jobs.
 */
export const scopes = [
  'tasks:read',
  'tasks:write',
  'claims',
  'files:admin',
  'gateways:write',
  'services:deploy',
  'jobs:submit',
  'admin',
] as const;
export type Scope = (typeof scopes)[number];

/** A place in a request: `params`, `query` or `body`, and names below it; `*` stands for each element of a list. */
export type RequestPath = `${'params' | 'query' | 'body'}.${string}`;

/** How a key of one project is kept to it on a route. */
export interface ProjectRule {
  /** Where the project is named: put in where it is left out, refused where it is another. */
  readonly named?: readonly RequestPath[];
  /** Where tasks are named: those of other projects are not there for the key. */
  readonly tasks?: readonly RequestPath[];
  /** Where schedules are named: those whose tasks are of other projects are not there for the key. */
  readonly schedules?: readonly RequestPath[];
}
