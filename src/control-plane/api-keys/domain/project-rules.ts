import { type ProjectRule, type RequestPath } from '../../../platform/http/scopes.js';
import { fieldsAt, type RequestParts } from './request-path.js';

/** Puts a project in wherever the request may name one and does not. False when it names another. */
export function keepToProject(
  request: RequestParts,
  { named = [] }: ProjectRule,
  projectId: string,
): boolean {
  // What is left out as a whole must not mean all projects.
  if (named.some((path) => path.startsWith('body.'))) request.body ??= {};
  for (const { holder, name } of named.flatMap((path) => fieldsAt(request, path))) {
    const value = holder[name];
    if (value === undefined || value === null || value === '') holder[name] = projectId;
    else if (value !== projectId) return false;
  }
  return true;
}

/** The ids that a request names in some places, each once. */
export function namedAt(request: RequestParts, paths: readonly RequestPath[] = []): string[] {
  const ids = paths.flatMap((path) => fieldsAt(request, path)).map(({ holder, name }) => holder[name]);
  return [...new Set(ids.filter((id) => typeof id === 'string'))];
}
