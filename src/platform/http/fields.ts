import { applyDecorators } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateBy,
} from 'class-validator';
import { parseInstant } from './parse-instant.js';

/**
 * The kinds of field that request DTOs are made of. Each brings its class-validator rules and its OpenAPI schema; the
 * description is the property's doc comment and the default its initial value. A field with `optional` may be left
 * out, and keeps its initial value then; one with `nullable` may also be null.
 */
interface FieldOptions {
  readonly optional?: boolean;
  readonly nullable?: boolean;
  readonly example?: unknown;
  /** It is a secret: no answer repeats it, not even one that says what is wrong with it. */
  readonly secret?: boolean;
}

type DtoClass = abstract new () => object;

/** What a field takes, in a form that is quick to check. It says the same as the field's class-validator rules. */
export interface FieldRule {
  /** Whether the value keeps all rules. What is inside of nested objects is their own class's to judge. */
  readonly accepts: (value: unknown) => boolean;
  /** What a text of a lenient client is read as. */
  readonly reads?: 'integer' | 'boolean' | 'instant';
  /** Whether no answer may repeat it. */
  readonly isSecret?: boolean;
  /** The class of the object, or of the entries of the list. */
  readonly nested?: () => new () => object;
}

const rules = new WeakMap<object, Map<string, FieldRule>>();

/** The fields of a DTO class, those of its base classes first. */
export function fieldRulesOf({ prototype }: DtoClass): ReadonlyMap<string, FieldRule> {
  const chain: object[] = [];
  for (let at = prototype as object | null; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    chain.unshift(at);
  }
  return new Map(chain.flatMap((at) => [...(rules.get(at) ?? [])]));
}

function field(
  options: FieldOptions,
  schema: ApiPropertyOptions,
  rule: FieldRule,
  validators: PropertyDecorator[],
): PropertyDecorator {
  const { optional = false, nullable = false, example, secret = false } = options;
  const { accepts } = rule;
  return applyDecorators(
    (target: object, property: string | symbol) => {
      const fields = rules.get(target) ?? new Map<string, FieldRule>();
      rules.set(
        target,
        fields.set(String(property), {
          ...rule,
          isSecret: secret,
          accepts: nullable ? (value) => value === null || value === undefined || accepts(value) : accepts,
        }),
      );
    },
    ...(nullable ? [IsOptional()] : []),
    ...validators,
    ApiProperty({
      ...schema,
      required: !optional,
      ...(nullable ? { nullable: true } : {}),
      ...(example === undefined ? {} : { example }),
      ...(secret ? { writeOnly: true } : {}),
    } as ApiPropertyOptions),
  );
}

export interface TextOptions extends FieldOptions {
  readonly minLength?: number;
  readonly maxLength: number;
}

/** Text of at most `maxLength` characters. */
export function Text({ minLength, maxLength, ...options }: TextOptions): PropertyDecorator {
  const accepts = (value: unknown) =>
    typeof value === 'string' &&
    value.length <= maxLength &&
    value.length >= (minLength ?? 0) &&
    !value.includes('\0');
  const schema = { type: 'string', maxLength, ...(minLength === undefined ? {} : { minLength }) } as const;
  return field(options, schema, { accepts }, [
    IsString(),
    MaxLength(maxLength),
    // Bodies with NUL are refused by the parser; in a query string it can still arrive as %00.
    Matches(/^[^\0]*$/, { message: 'must not contain NUL characters' }),
    ...(minLength === undefined ? [] : [MinLength(minLength)]),
  ]);
}

/** One of a fixed list of words. */
export function OneOf(values: readonly string[], options: FieldOptions = {}): PropertyDecorator {
  const accepts = (value: unknown) => values.includes(value as string);
  return field(options, { type: 'string', enum: [...values] }, { accepts }, [IsIn([...values])]);
}

export interface IntegerOptions extends FieldOptions {
  readonly min: number;
  readonly max: number;
}

/** A whole number from `min` to `max`; its decimal text counts as well. */
export function Integer({ min, max, ...options }: IntegerOptions): PropertyDecorator {
  const accepts = (value: unknown) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
  return field(options, { type: 'integer', minimum: min, maximum: max }, { accepts, reads: 'integer' }, [
    IsInt(),
    Min(min),
    Max(max),
  ]);
}

/** A number from `min` to `max`, whole or not. */
export function Quantity({ min, max, ...options }: IntegerOptions): PropertyDecorator {
  const accepts = (value: unknown) => typeof value === 'number' && value >= min && value <= max;
  return field(options, { type: 'number', minimum: min, maximum: max }, { accepts }, [
    IsNumber(),
    Min(min),
    Max(max),
  ]);
}

const isInstant = (value: unknown) => typeof value === 'string' && parseInstant(value) !== null;

/** An instant in ISO 8601, UTC when it names no offset; read as {@link parseInstant} writes it. */
export function Moment(options: FieldOptions = {}): PropertyDecorator {
  const rule = { accepts: isInstant, reads: 'instant' } as const;
  return field(options, { type: 'string', format: 'date-time' }, rule, [
    ValidateBy({ name: 'isInstant', validator: { validate: isInstant } }),
  ]);
}

/** true or false; 1, 0 and their usual words count as well. */
export function Flag(options: FieldOptions = {}): PropertyDecorator {
  const accepts = (value: unknown) => typeof value === 'boolean';
  return field(options, { type: 'boolean' }, { accepts, reads: 'boolean' }, [IsBoolean()]);
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Any JSON object. It is kept as it came. */
export function AnyObject(options: FieldOptions = {}): PropertyDecorator {
  return field(options, { type: 'object', additionalProperties: true }, { accepts: isObject }, [IsObject()]);
}

export interface TextListOptions extends FieldOptions {
  readonly maxItems: number;
  /** Characters of each entry. */
  readonly maxLength: number;
}

/** A list of texts. */
export function TextList({ maxItems, maxLength, ...options }: TextListOptions): PropertyDecorator {
  const accepts = (value: unknown) =>
    Array.isArray(value) &&
    value.length <= maxItems &&
    value.every((entry) => typeof entry === 'string' && entry.length <= maxLength);
  return field(options, { type: 'array', items: { type: 'string', maxLength }, maxItems }, { accepts }, [
    IsArray(),
    ArrayMaxSize(maxItems),
    IsString({ each: true }),
    MaxLength(maxLength, { each: true }),
  ]);
}

/** Swagger tells a function that returns a class from a class by its name, which must be `type`. */
function schemaOf(nested: () => new () => object): { type: () => new () => object } {
  return { type: () => nested() };
}

export interface ListOptions extends FieldOptions {
  readonly minItems?: number;
  readonly maxItems: number;
}

/** A list of objects of a DTO class. */
export function ListOf(
  type: () => new () => object,
  { minItems = 0, maxItems, ...options }: ListOptions,
): PropertyDecorator {
  const accepts = (value: unknown) =>
    Array.isArray(value) && value.length <= maxItems && value.length >= minItems;
  return field(options, { ...schemaOf(type), isArray: true, minItems, maxItems }, { accepts, nested: type }, [
    IsArray(),
    ArrayMinSize(minItems),
    ArrayMaxSize(maxItems),
  ]);
}

/** An object of a DTO class. */
export function ObjectOf(type: () => new () => object, options: FieldOptions = {}): PropertyDecorator {
  return field(options, schemaOf(type), { accepts: isObject, nested: type }, [IsObject()]);
}
