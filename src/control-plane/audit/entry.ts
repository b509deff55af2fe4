import { type FastifyRequest } from 'fastify';
import { type JsonObject } from '../../platform/database/row.js';
import { type AuditTrait } from '../../platform/http/route.decorator.js';
import { callerOf } from '../auth/index.js';
import { type NewEntry } from './audit.queries.js';

const MAX_TEXT = 500;
const MAX_VALUE = 2_000;

/**
 * What is written down of a request that has been answered. Of its body only the fields that the route names get in, since
 * any other might hold a secret; of addresses only where they are, since the rest might be one.
 */
export function entryOf(request: FastifyRequest, act: AuditTrait, answer: unknown): NewEntry {
  const { kind, label } = callerOf(request);
  return {
    action: act.action,
    subject: act.subject === undefined ? subjectOf(request) : textAt(answer, act.subject),
    actorKind: kind,
    actor: label,
    clientIp: request.ip,
    requestId: request.id,
    detail: detailOf(request.body, act.detail ?? ['reason']),
  };
}

/** The ids in the path, in their order. */
function subjectOf({ routeOptions, params }: FastifyRequest): string {
  const values = params as Readonly<Record<string, string>>;
  const names = [...(routeOptions.url ?? '').matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  return shortened(names.map((name) => (values[name] ?? '').replaceAll('\0', '\uFFFD')).join('/'));
}

function textAt(answer: unknown, path: string): string {
  let at = answer;
  for (const name of path.split('.')) at = (at as JsonObject | null | undefined)?.[name];
  return typeof at === 'string' ? shortened(at) : '';
}

function detailOf(body: unknown, names: readonly string[]): JsonObject {
  if (typeof body !== 'object' || body === null) return {};
  const given = body as JsonObject;
  const fields = names
    .filter((name) => Object.hasOwn(given, name) && given[name] !== null && given[name] !== '')
    .map((name) => [name, shown(given[name])] as const);
  return Object.fromEntries(fields);
}

function shown(value: unknown): unknown {
  if (typeof value === 'string') return shortened(originOf(value) ?? value);
  return JSON.stringify(value).length <= MAX_VALUE ? value : '…';
}

/** Where an address is; undefined when a text is none. Credentials may be anywhere else in it. */
function originOf(value: string): string | undefined {
  return /^[a-z]+:\/\//i.test(value) && URL.canParse(value) ? new URL(value).origin : undefined;
}

const shortened = (value: string) => (value.length <= MAX_TEXT ? value : `${value.slice(0, MAX_TEXT)}…`);
