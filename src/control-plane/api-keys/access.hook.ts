import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { isOfApi, traitsOf } from '../../platform/http/route.decorator.js';
import { storable } from '../../platform/http/storable.pipe.js';
import { Problem } from '../../platform/problems/problem.js';
import { callerOf, identify, isPublicSkyclaw, isSkyclaw, keyFrom } from '../auth/index.js';
import { type ApiKeyAccess, type OwnCaller } from './access.service.js';
import { keepToClaim } from './domain/run-rules.js';
import { keepToProject, namedAt } from './domain/project-rules.js';

/**
 * Lets keys of the database, and run tokens, use the routes that they are for. Whoever shows one is held to it, also where
 * nobody asks for a key. To be installed before what closes the routes.
 */
export function installApiKeys(server: FastifyInstance, access: ApiKeyAccess): void {
  server.addHook('onRequest', async (request) => {
    const secret = keyFrom(request);
    if (!isClosed(request) || !access.concerns(secret)) return;
    const caller = await access.identify(secret);
    if (caller === null) {
      throw new Problem('unauthorized', 'Unauthorized', { headers: { 'www-authenticate': 'Bearer' } });
    }
    checkScope(request, caller);
    identify(request, caller);
  });
  // When the body has been read, and before anything is made of it.
  server.addHook('preHandler', async (request) => {
    const caller = callerOf(request);
    if (caller.kind === 'run token') {
      const refusal = keepToClaim(request, caller.claim);
      if (refusal !== null) throw forbidden(refusal);
    }
    if (caller.kind === 'key' && caller.projectId !== null) {
      await keepIn(request, caller.projectId, access);
    }
  });
}

/** Whether a key means anything for the route: it does not for what is public, or has keys of its own. */
function isClosed(request: FastifyRequest): boolean {
  if (request.is404 || traitsOf(request).access === 'public' || isPublicSkyclaw(request)) return false;
  return isOfApi(request) || isSkyclaw(request);
}

function checkScope(request: FastifyRequest, caller: OwnCaller): void {
  const { scope, project, byRun } = traitsOf(request);
  if (caller.kind === 'run token') {
    if (byRun !== true) throw forbidden('A run token may renew, take files and report, and nothing else.');
    return;
  }
  if (scope === undefined || !(caller.scopes.includes(scope) || caller.scopes.includes('admin'))) {
    throw forbidden(`This key is not allowed to do that: it lacks the scope '${scope ?? 'none'}'.`, scope);
  }
  if (caller.projectId !== null && project === undefined) {
    throw forbidden('A key of one project cannot do that: it concerns all projects.');
  }
}

function forbidden(detail: string, scope?: string): Problem {
  const challenge = scope === undefined ? 'Bearer' : `Bearer error="insufficient_scope", scope="${scope}"`;
  return new Problem('not-allowed-for-key', detail, { headers: { 'www-authenticate': challenge } });
}

async function keepIn(request: FastifyRequest, projectId: string, access: ApiKeyAccess): Promise<void> {
  const { project = {} } = traitsOf(request);
  if (!keepToProject(request, project, projectId)) {
    throw forbidden(`This key is for the project '${projectId}' alone.`);
  }
  const tasks = namedAt(request, project.tasks).map(storable);
  if (tasks.length > 0) {
    const projects = await access.projectsOfTasks(tasks);
    if (tasks.some((id) => projects.get(id) !== projectId)) {
      throw new Problem('task-not-found', 'Task not found');
    }
  }
  const schedules = namedAt(request, project.schedules).map(storable);
  if (schedules.length > 0) {
    const projects = await access.projectsOfSchedules(schedules);
    // One that is not there yet may be made.
    const stranger = schedules.find((id) => (projects.get(id) ?? projectId) !== projectId);
    if (stranger !== undefined) {
      throw new Problem('schedule-not-found', `Schedule '${stranger}' not found`);
    }
  }
}
