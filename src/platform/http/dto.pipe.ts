import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { validateSync } from 'class-validator';
import { Problem, type RequestIssue } from '../problems/problem.js';
import { type FieldRule, fieldRulesOf } from './fields.js';
import { parseInstant } from './parse-instant.js';
import { issuesOf } from './request-issues.js';

type DtoType = new () => object;
type Place = readonly (string | number)[];

/** The fields of each class that a request was bound to. */
const fieldsOf = new Map<DtoType, readonly (readonly [name: string, rule: FieldRule])[]>();

function declaredFields(type: DtoType): readonly (readonly [name: string, rule: FieldRule])[] {
  const known = fieldsOf.get(type);
  if (known !== undefined) return known;
  const fields = [...fieldRulesOf(type)];
  fieldsOf.set(type, fields);
  return fields;
}

/**
 * Makes a request's body or query into its DTO: unknown fields are dropped, absent ones keep the DTO's defaults,
 * decimal texts become integers, times become instants in UTC, and all that is wrong is told at once as `invalid-request`.
 * Only declared fields are touched, never the values inside of them, but for lists and objects of other DTOs.
 *
 * A request that is right is judged by the quick rules of its fields alone; class-validator finds the words for what is
 * wrong.
 */
@Injectable()
export class DtoPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if ((type !== 'body' && type !== 'query') || metatype === undefined) return value;
    const dto = metatype as DtoType;
    if (declaredFields(dto).length === 0) return value;
    const issues: RequestIssue[] = [];
    // No body at all is as good as an empty one where nothing is required.
    const bound = bind(dto, value === undefined ? {} : value, [type], issues);
    if (issues.length === 0) return bound;
    throw invalid(value === undefined ? [notAnObject(value, [type])] : issues);
  }
}

/** Adds what is wrong to `issues`; what it returns is good only when there are none. */
function bind(type: DtoType, value: unknown, at: Place, issues: RequestIssue[]): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    issues.push(notAnObject(value, at));
    return {};
  }
  const given = value as Record<string, unknown>;
  const dto = new type() as Record<string, unknown>;
  let fits = true;
  let unset: Set<string> | undefined;
  for (const [name, { accepts, reads, nested }] of declaredFields(type)) {
    const raw = Object.hasOwn(given, name) ? given[name] : undefined;
    if (raw === undefined) {
      if (dto[name] !== undefined) continue;
      (unset ??= new Set()).add(name);
      fits = false;
      continue;
    }
    dto[name] = reads === undefined ? raw : readAs(reads, raw);
    if (!accepts(dto[name])) fits = false;
    else if (nested !== undefined && raw !== null)
      dto[name] = bindNested(nested(), raw, [...at, name], issues);
  }
  if (!fits) {
    const errors = validateSync(dto, { skipUndefinedProperties: false, forbidUnknownValues: false });
    const shown = withoutSecrets(type, given);
    for (const error of errors) {
      if (shown[error.property] === HIDDEN) error.value = HIDDEN;
      issues.push(...issuesOf(error, { at, given: shown, missing: unset?.has(error.property) ?? false }));
    }
  }
  return dto;
}

const HIDDEN = '***';

/** What may be repeated of what was sent. */
function withoutSecrets(type: DtoType, given: Record<string, unknown>): Record<string, unknown> {
  const secrets = declaredFields(type).filter(([name, { isSecret }]) => isSecret === true && name in given);
  return { ...given, ...Object.fromEntries(secrets.map(([name]) => [name, HIDDEN])) };
}

function bindNested(type: DtoType, value: unknown, at: Place, issues: RequestIssue[]): unknown {
  return Array.isArray(value)
    ? value.map((entry, index) => bind(type, entry, [...at, index], issues))
    : bind(type, value, at, issues);
}

function notAnObject(value: unknown, at: Place): RequestIssue {
  if (at.length === 1 && (value === undefined || value === null)) {
    return { type: 'missing', loc: [...at], msg: 'Field required', input: null };
  }
  const msg = 'Input should be a valid dictionary or object to extract fields from';
  return { type: 'model_attributes_type', loc: [...at], msg, input: null };
}

function invalid(issues: readonly RequestIssue[]): Problem {
  const first = issues[0];
  const where = first?.loc.slice(1).join('.') ?? '';
  return new Problem(
    'invalid-request',
    `${where === '' ? '' : `${where}: `}${first?.msg ?? 'Invalid request'}`,
    { issues },
  );
}

const TRUE = new Set(['1', 'true', 't', 'yes', 'y', 'on']);
const FALSE = new Set(['0', 'false', 'f', 'no', 'n', 'off']);

/** What the text or number of a lenient client means; anything else stays, for the rules to refuse. */
function readAs(kind: 'integer' | 'boolean' | 'instant', raw: unknown): unknown {
  if (kind === 'instant') return typeof raw === 'string' ? (parseInstant(raw) ?? raw) : raw;
  if (kind === 'integer' && typeof raw === 'string' && /^\s*[+-]?\d{1,15}\s*$/.test(raw)) return Number(raw);
  if (kind === 'boolean' && (typeof raw === 'string' || typeof raw === 'number')) {
    const word = String(raw).toLowerCase();
    if (TRUE.has(word)) return true;
    if (FALSE.has(word)) return false;
  }
  return raw;
}
