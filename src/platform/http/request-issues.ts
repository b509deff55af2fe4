import { type ValidationError } from 'class-validator';
import { type RequestIssue } from '../problems/problem.js';

interface Context {
  /** Where the object stands that the field belongs to, such as `['body', 'items', 3]`. */
  readonly at: readonly (string | number)[];
  readonly given: Readonly<Record<string, unknown>>;
  /** The field is required and was not sent. */
  readonly missing: boolean;
}

/** An echo of what was sent is cut to this many characters of JSON, so that an error is never as large as its cause. */
const MAX_ECHO = 1_000;

/**
 * A class-validator error in the words that clients of the original API know (those of pydantic 2). A field that has
 * the wrong type is told once, by its type; limits are told only of values of the right type.
 */
export function issuesOf(error: ValidationError, { at, given, missing }: Context): RequestIssue[] {
  const loc = [...at, error.property];
  if (missing) return [{ type: 'missing', loc, msg: 'Field required', input: echo(given) }];
  const broken = error.constraints ?? {};
  const value: unknown = error.value;
  const issue = (type: string, msg: string): RequestIssue[] => [{ type, loc, msg, input: echo(value) }];
  // Of a list of texts the entries are to blame; a list where a text belongs is to blame itself.
  if (Array.isArray(value) && broken['isString']?.startsWith('each value') === true) {
    return value.flatMap((entry: unknown, index) =>
      typeof entry === 'string'
        ? []
        : [
            {
              type: 'string_type',
              loc: [...loc, index],
              msg: 'Input should be a valid string',
              input: echo(entry),
            },
          ],
    );
  }
  if ('isArray' in broken) return issue('list_type', 'Input should be a valid list');
  if ('isString' in broken) return issue('string_type', 'Input should be a valid string');
  if ('isObject' in broken) return issue('dict_type', 'Input should be a valid dictionary');
  if ('isInt' in broken) return [{ ...integerIssue(value), loc, input: echo(value) }];
  if ('isInstant' in broken) return issue('datetime_from_date_parsing', 'Input should be a valid datetime');
  if ('isBoolean' in broken) {
    return typeof value === 'string' || typeof value === 'number'
      ? issue('bool_parsing', 'Input should be a valid boolean, unable to interpret input')
      : issue('bool_type', 'Input should be a valid boolean');
  }
  return Object.entries(broken).flatMap(([rule, text]) =>
    issue(limitTypes[rule] ?? 'value_error', sentence(text)),
  );
}

const limitTypes: Readonly<Record<string, string>> = {
  min: 'greater_than_equal',
  max: 'less_than_equal',
  minLength: 'string_too_short',
  maxLength: 'string_too_long',
  arrayMaxSize: 'too_long',
  arrayMinSize: 'too_short',
  isIn: 'literal_error',
};

function integerIssue(value: unknown): { type: string; msg: string } {
  if (typeof value === 'string') {
    return {
      type: 'int_parsing',
      msg: 'Input should be a valid integer, unable to parse string as an integer',
    };
  }
  if (typeof value === 'number') {
    return {
      type: 'int_from_float',
      msg: 'Input should be a valid integer, got a number with a fractional part',
    };
  }
  return { type: 'int_type', msg: 'Input should be a valid integer' };
}

/** class-validator writes "priority must not be less than 1"; the field stands in `loc` already. */
function sentence(text: string): string {
  return `Input ${text.replace(/^(each value in )?(?:\S+ )?(?=must|should)/, (_, each?: string) => (each ? 'entries ' : ''))}`;
}

function echo(value: unknown): unknown {
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) return null;
  return json.length <= MAX_ECHO ? value : `${json.slice(0, MAX_ECHO)}…`;
}
