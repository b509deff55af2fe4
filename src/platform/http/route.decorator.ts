import { applyDecorators } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExtension } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { type ProjectRule, type Scope } from './scopes.js';

/** Which administrative act a route is, and what is written down of it. */
export interface AuditTrait {
  /** The subject's kind and what is done to it: `gateway.drain`. */
  readonly action: string;
  /** Where the answer holds the subject's id, `key.id`; absent: it is in the path. */
  readonly subject?: string;
  /** The fields of the body that are written down, which hold no secrets; absent: `reason`. */
  readonly detail?: readonly string[];
  /**
   * Absent, or `with the work`: in the transaction that the work of an idempotency key runs in. `before the work`: before
   * it leaves the process, since what it does there is in no transaction. `by the handler`: in one that only it knows.
   */
  readonly written?: 'with the work' | 'before the work' | 'by the handler';
}

/** What a route says about itself, readable in every hook, guard and filter. */
export interface RouteTraits {
  /**
   * `public`: no key is asked for, `key`: one is, `operator`: an operator's is, unless the server has no credential at all.
   * Without it everything below /v1 is closed, and nothing else.
   */
  readonly access?: 'public' | 'key' | 'operator';
  /**
   * `problem`: errors are RFC 9457 documents; `openai`: those of OpenAI's API; without it they keep the envelope that old
   * clients parse.
   */
  readonly errors?: 'problem' | 'openai';
  /** What a key must be allowed to use the route. Every route of the API that is not public names it. */
  readonly scope?: Scope;
  /** How a key of one project is kept to it; without this such a key may not use the route. */
  readonly project?: ProjectRule;
  /** The holder of a claim may use it with the claim's run token. */
  readonly byRun?: true;
  /** It is an administrative act, which the audit trail tells of. */
  readonly audit?: AuditTrait;
  /** The per-client rate limit does not count this route. */
  readonly uncounted?: true;
  /** The largest body in bytes, where it is not that of all routes. */
  readonly maxBodyBytes?: number;
  /** Characters that cannot be stored become U+FFFD; elsewhere a body with such is refused. */
  readonly mendsText?: true;
}

/** Says what a route is like where it differs from the rest: closed, old envelope, counted by the rate limit. */
export const Route = (traits: RouteTraits): MethodDecorator =>
  applyDecorators(
    RouteConfig(traits),
    ...(traits.scope === undefined ? [] : [ApiExtension('x-scope', traits.scope)]),
  );

/**
 * The pattern of the route that a request was matched to, `/v1/tasks/:id`; empty for an unknown path. Rules go by this
 * and never by the URL as it was sent: the router decodes it first, so `/%761/tasks` is `/v1/tasks` as well.
 */
export function routeOf(request: FastifyRequest): string {
  return request.is404 ? '' : (request.routeOptions.url ?? '');
}

/** Whether a request is for the API: below /v1, or behind the key for its own sake. */
export function isOfApi(request: FastifyRequest): boolean {
  return routeOf(request).startsWith('/v1/') || traitsOf(request).access === 'key';
}

/** The traits of the route that a request was matched to; none for an unknown path. */
export function traitsOf(request: FastifyRequest): RouteTraits {
  // Fastify types the configuration as always there; for an unknown path it is not.
  return (request.routeOptions.config as RouteTraits | undefined) ?? {};
}
