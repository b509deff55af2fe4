import { applyDecorators } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
} from 'class-validator';

/**
 * The kinds of field that request DTOs are made of. Each brings its class-validator rules and its OpenAPI schema; the
 * description is the property's doc comment and the default its initial value. A field with `optional` may be left
 * out, and keeps its initial value then; one with `nullable` may also be null.
 */
interface FieldOptions {
  readonly optional?: boolean;
  readonly nullable?: boolean;
  readonly example?: unknown;
}

/** Which fields are integers and booleans, so that the pipe can read "5" and "true" as what they mean. */
const coerced = new WeakMap<object, Map<string, 'integer' | 'boolean'>>();

export function coercionOf(
  type: { readonly prototype: object },
  field: string,
): 'integer' | 'boolean' | undefined {
  for (let at: object | null = type.prototype; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const kind = coerced.get(at)?.get(field);
    if (kind !== undefined) return kind;
  }
  return undefined;
}

function coerce(kind: 'integer' | 'boolean'): PropertyDecorator {
  return (target, property) => {
    const fields = coerced.get(target) ?? new Map<string, 'integer' | 'boolean'>();
    coerced.set(target, fields.set(String(property), kind));
  };
}

function field(
  options: FieldOptions,
  schema: ApiPropertyOptions,
  rules: PropertyDecorator[],
): PropertyDecorator {
  const { optional = false, nullable = false, example } = options;
  return applyDecorators(
    ...(nullable ? [IsOptional()] : []),
    ...rules,
    ApiProperty({
      ...schema,
      required: !optional,
      ...(nullable ? { nullable: true } : {}),
      ...(example === undefined ? {} : { example }),
    } as ApiPropertyOptions),
  );
}

export interface TextOptions extends FieldOptions {
  readonly minLength?: number;
  readonly maxLength: number;
}

/** Text of at most `maxLength` characters. */
export function Text({ minLength, maxLength, ...options }: TextOptions): PropertyDecorator {
  return field(options, { type: 'string', maxLength, ...(minLength === undefined ? {} : { minLength }) }, [
    IsString(),
    MaxLength(maxLength),
    // Bodies with NUL are refused by the parser; in a query string it can still arrive as %00.
    Matches(/^[^\0]*$/, { message: 'must not contain NUL characters' }),
    ...(minLength === undefined ? [] : [MinLength(minLength)]),
  ]);
}

/** One of a fixed list of words. */
export function OneOf(values: readonly string[], options: FieldOptions = {}): PropertyDecorator {
  return field(options, { type: 'string', enum: [...values] }, [IsIn([...values])]);
}

export interface IntegerOptions extends FieldOptions {
  readonly min: number;
  readonly max: number;
}

/** A whole number from `min` to `max`; its decimal text counts as well. */
export function Integer({ min, max, ...options }: IntegerOptions): PropertyDecorator {
  return field(options, { type: 'integer', minimum: min, maximum: max }, [
    coerce('integer'),
    IsInt(),
    Min(min),
    Max(max),
  ]);
}

/** true or false; 1, 0 and their usual words count as well. */
export function Flag(options: FieldOptions = {}): PropertyDecorator {
  return field(options, { type: 'boolean' }, [coerce('boolean'), IsBoolean()]);
}

/** Any JSON object. It is kept as it came. */
export function AnyObject(options: FieldOptions = {}): PropertyDecorator {
  return field(options, { type: 'object', additionalProperties: true }, [IsObject()]);
}

export interface TextListOptions extends FieldOptions {
  readonly maxItems: number;
  /** Characters of each entry. */
  readonly maxLength: number;
}

/** A list of texts. */
export function TextList({ maxItems, maxLength, ...options }: TextListOptions): PropertyDecorator {
  return field(options, { type: 'array', items: { type: 'string', maxLength }, maxItems }, [
    IsArray(),
    ArrayMaxSize(maxItems),
    IsString({ each: true }),
    MaxLength(maxLength, { each: true }),
  ]);
}
