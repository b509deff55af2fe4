import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { getMetadataStorage, validateSync } from 'class-validator';
import { Problem, type RequestIssue } from '../problems/problem.js';
import { coercionOf } from './fields.js';
import { issuesOf } from './request-issues.js';

type DtoType = new () => object;

/** The names of the fields that a DTO class declares rules for. */
const fieldsOf = new Map<DtoType, readonly string[]>();

function declaredFields(type: DtoType): readonly string[] {
  const known = fieldsOf.get(type);
  if (known !== undefined) return known;
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  const fields = [...new Set(rules.map((rule) => rule.propertyName))];
  fieldsOf.set(type, fields);
  return fields;
}

/**
 * Makes a request's body or query into its DTO: unknown fields are dropped, absent ones keep the DTO's defaults,
 * decimal texts become integers, and all that is wrong is told at once as `invalid-request`.
 * Only declared fields are touched, never the values inside of them.
 */
@Injectable()
export class DtoPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if ((type !== 'body' && type !== 'query') || metatype === undefined) return value;
    const fields = declaredFields(metatype as DtoType);
    return fields.length === 0 ? value : bind(metatype as DtoType, fields, value, type);
  }
}

function bind(type: DtoType, fields: readonly string[], value: unknown, place: 'body' | 'query'): object {
  if (value === undefined) return bindNothing(type, fields, place);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid([notAnObject(value, place)]);
  const given = value as Record<string, unknown>;
  const dto = new type() as Record<string, unknown>;
  const unset: string[] = [];
  for (const field of fields) {
    const raw = Object.hasOwn(given, field) ? given[field] : undefined;
    if (raw !== undefined) dto[field] = coerceTo(coercionOf(type, field), raw);
    else if (dto[field] === undefined) unset.push(field);
  }
  const errors = validateSync(dto, { skipUndefinedProperties: false, forbidUnknownValues: false });
  const issues = errors.flatMap((error) =>
    issuesOf(error, { place, given, missing: unset.includes(error.property) }),
  );
  if (issues.length > 0) throw invalid(issues);
  return dto;
}

/** No body at all is as good as an empty one where nothing is required. */
function bindNothing(type: DtoType, fields: readonly string[], place: 'body' | 'query'): object {
  try {
    return bind(type, fields, {}, place);
  } catch {
    throw invalid([notAnObject(undefined, place)]);
  }
}

function notAnObject(value: unknown, place: string): RequestIssue {
  if (value === undefined || value === null) {
    return { type: 'missing', loc: [place], msg: 'Field required', input: null };
  }
  const msg = 'Input should be a valid dictionary or object to extract fields from';
  return { type: 'model_attributes_type', loc: [place], msg, input: null };
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
function coerceTo(kind: 'integer' | 'boolean' | undefined, raw: unknown): unknown {
  if (kind === 'integer' && typeof raw === 'string' && /^\s*[+-]?\d{1,15}\s*$/.test(raw)) return Number(raw);
  if (kind === 'boolean' && (typeof raw === 'string' || typeof raw === 'number')) {
    const word = String(raw).toLowerCase();
    if (TRUE.has(word)) return true;
    if (FALSE.has(word)) return false;
  }
  return raw;
}
