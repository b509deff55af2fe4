import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Problem, type RequestIssue } from '../problems/problem.js';
import { DtoPipe } from './dto.pipe.js';
import { validateSync } from 'class-validator';
import { AnyObject, fieldRulesOf, Flag, Integer, ListOf, ObjectOf, OneOf, Text, TextList } from './fields.js';
import { fc, runs } from '../../../test/support/properties.js';

class Sample {
  @Text({ minLength: 1, maxLength: 5 }) name!: string;
  @Integer({ optional: true, min: -3, max: 10 }) size = 7;
  @Flag({ optional: true }) loud = true;
  @AnyObject({ optional: true }) extra: Record<string, unknown> = {};
  @TextList({ optional: true, maxItems: 2, maxLength: 3 }) tags: string[] = [];
  @OneOf(['a', 'b'], { optional: true }) kind = 'a';
  @Text({ optional: true, nullable: true, maxLength: 5 }) note: string | null = null;
}

class Outer {
  @ListOf(() => Sample, { minItems: 1, maxItems: 2 }) items!: Sample[];
  @ObjectOf(() => AllOptional, { optional: true, nullable: true }) more: AllOptional | null = null;
}

class AllOptional {
  @Text({ optional: true, maxLength: 5 }) reason = '';
}

const bind = (value: unknown, metatype: new () => object = Sample, type: 'body' | 'query' = 'body') =>
  new DtoPipe().transform(value, { type, metatype }) as Record<string, unknown>;

function issues(
  value: unknown,
  metatype?: new () => object,
  type?: 'body' | 'query',
): readonly RequestIssue[] {
  try {
    bind(value, metatype, type);
  } catch (error) {
    if (error instanceof Problem) return error.issues ?? [];
    throw error;
  }
  return [];
}
const faults = (value: unknown) => issues(value).map(({ type, loc }) => `${type} ${loc.join('.')}`);

describe('a request that fits', () => {
  it('keeps what was sent, gets defaults for the rest, and loses what is not declared', () => {
    const dto = bind({ name: 'x', extra: { deep: [1] }, toString: 'no', other: 1 });
    expect(dto).toBeInstanceOf(Sample);
    expect({ ...dto }).toEqual({
      ...{ name: 'x', size: 7, loud: true, extra: { deep: [1] } },
      ...{ tags: [], kind: 'a', note: null },
    });
  });

  it('does not share defaults between requests', () => {
    expect(bind({ name: 'x' })['tags']).not.toBe(bind({ name: 'x' })['tags']);
  });

  it.each([
    ['5', 5],
    [' -3 ', -3],
    ['+10', 10],
    [4.0, 4],
  ])('reads %j as the integer %d', (size, value) => expect(bind({ name: 'x', size })['size']).toBe(value));

  it.each([
    ['yes', true],
    ['OFF', false],
    [1, true],
    [0, false],
    ['f', false],
  ])('reads %j as the flag %s', (loud, value) => expect(bind({ name: 'x', loud })['loud']).toBe(value));

  it('takes null where it may stand, and no body where nothing is required', () => {
    expect(bind({ name: 'x', note: null })['note']).toBeNull();
    expect({ ...bind(undefined, AllOptional) }).toEqual({ reason: '' });
  });

  it('leaves alone what is no DTO, and what comes by another way', () => {
    const value = { a: 1 };
    expect(new DtoPipe().transform(value, { type: 'body', metatype: Object })).toBe(value);
    expect(new DtoPipe().transform('x', { type: 'param', metatype: Sample })).toBe('x');
  });
});

describe('a request that does not fit', () => {
  it.each([
    [{}, ['missing body.name']],
    [{ name: null }, ['string_type body.name']],
    [{ name: 5 }, ['string_type body.name']],
    [{ name: '' }, ['string_too_short body.name']],
    [{ name: 'longer' }, ['string_too_long body.name']],
    [{ name: 'a\0' }, ['value_error body.name']],
    [{ name: 'x', size: 1.5 }, ['int_from_float body.size']],
    [{ name: 'x', size: '1.5' }, ['int_parsing body.size']],
    [{ name: 'x', size: '99999999999999999999' }, ['int_parsing body.size']],
    [{ name: 'x', size: [] }, ['int_type body.size']],
    [{ name: 'x', size: null }, ['int_type body.size']],
    [{ name: 'x', size: 11 }, ['less_than_equal body.size']],
    [{ name: 'x', size: -4 }, ['greater_than_equal body.size']],
    [{ name: 'x', loud: 'perhaps' }, ['bool_parsing body.loud']],
    [{ name: 'x', loud: 2 }, ['bool_parsing body.loud']],
    [{ name: 'x', loud: {} }, ['bool_type body.loud']],
    [{ name: 'x', extra: [] }, ['dict_type body.extra']],
    [{ name: 'x', extra: null }, ['dict_type body.extra']],
    [{ name: [] }, ['string_type body.name']],
    [{ name: ['x'] }, ['string_type body.name']],
    [{ name: 'x', note: ['y'] }, ['string_type body.note']],
    [{ name: 'x', size: [5] }, ['int_type body.size']],
    [{ name: 'x', kind: ['a'] }, ['literal_error body.kind']],
    [{ name: 'x', loud: [] }, ['bool_type body.loud']],
    [{ name: 'x', tags: 'a' }, ['list_type body.tags']],
    [{ name: 'x', tags: { 0: 'a' } }, ['list_type body.tags']],
    [{ name: 'x', tags: ['a', 1] }, ['string_type body.tags.1']],
    [{ name: 'x', tags: ['a', 'b', 'c'] }, ['too_long body.tags']],
    [{ name: 'x', tags: ['abcd'] }, ['string_too_long body.tags']],
    [{ name: 'x', kind: 'c' }, ['literal_error body.kind']],
    [{ size: 'x', loud: 'x' }, ['missing body.name', 'int_parsing body.size', 'bool_parsing body.loud']],
    [undefined, ['missing body']],
    [null, ['missing body']],
    [[], ['model_attributes_type body']],
    ['text', ['model_attributes_type body']],
  ])('%j: %j', (value, wanted) => expect(faults(value)).toEqual(wanted));

  it('is told by the place it came from', () => {
    expect(issues({}, Sample, 'query')).toMatchObject([{ type: 'missing', loc: ['query', 'name'] }]);
  });

  it('is not echoed whole when it is large', () => {
    const [issue] = issues({ name: 'x'.repeat(100_000) });
    expect(JSON.stringify(issue).length).toBeLessThan(2_000);
  });

  it('is judged alike by the quick rules and by class-validator', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.string({ unit: 'binary', maxLength: 7 }),
      fc.integer({ min: -5, max: 12 }),
      fc.double(),
      fc.array(fc.string({ maxLength: 4 }), { maxLength: 3 }),
      fc.constantFrom('a', 'b', 'true', '\0', null, undefined, true, {}),
    );
    const rules = fieldRulesOf(Sample);
    fc.assert(
      fc.property(fc.constantFrom(...rules.keys()), value, (name, given) => {
        const dto = Object.assign(new Sample(), { name: 'x' }, { [name]: given });
        const errors = validateSync(dto, { skipUndefinedProperties: false, forbidUnknownValues: false });
        // Characters beyond the first plane count twice for the quick rule, which then asks the other.
        if (rules.get(name)?.accepts(given) === true) expect(errors).toEqual([]);
        else if (errors.length === 0) expect(JSON.stringify(given)).toMatch(/[\ud800-\udfff]|^"/);
      }),
      { numRuns: runs(2_000) },
    );
  });

  it('is never taken for one that fits, and never fails otherwise, whatever it is', () => {
    const field = fc.oneof(fc.jsonValue(), fc.string(), fc.double(), fc.constantFrom(null, undefined));
    const names = fc.constantFrom('name', 'size', 'loud', 'extra', 'tags', 'kind', 'note', '__proto__', 'x');
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(names, field)), (value) => {
        if (issues(value).length > 0) return;
        const dto = bind(value);
        expect(Object.keys(dto).sort()).toEqual([
          ...['extra', 'kind', 'loud', 'name'],
          ...['note', 'size', 'tags'],
        ]);
        expect(String(dto['name']).length).toBeGreaterThan(0);
        expect(Number.isInteger(dto['size'])).toBe(true);
        expect(typeof dto['loud']).toBe('boolean');
      }),
    );
  });
});

describe('objects inside of a request', () => {
  const bound = (value: unknown) => bind(value, Outer);
  const nestedFaults = (value: unknown) =>
    issues(value, Outer).map(({ type, loc }) => `${type} ${loc.join('.')}`);

  it('are bound like the request itself', () => {
    const outer = bound({ items: [{ name: 'x', size: '3', other: 1 }], more: { reason: 'y' } });
    const [item] = outer['items'] as Sample[];
    expect(item).toBeInstanceOf(Sample);
    expect(item).toMatchObject({ name: 'x', size: 3, tags: [] });
    expect(item).not.toHaveProperty('other');
    expect(outer['more']).toEqual({ reason: 'y' });
    expect(bound({ items: [{ name: 'x' }] })['more']).toBeNull();
    expect(bound({ items: [{ name: 'x' }], more: null })['more']).toBeNull();
  });

  it.each([
    [{}, ['missing body.items']],
    [{ items: [] }, ['too_short body.items']],
    [{ items: {} }, ['list_type body.items']],
    [{ items: [{ name: 'x' }, { name: 'y' }, { name: 'z' }] }, ['too_long body.items']],
    [{ items: [7, null] }, ['model_attributes_type body.items.0', 'model_attributes_type body.items.1']],
    [
      { items: [{ name: 'x' }, { size: 'x' }] },
      ['missing body.items.1.name', 'int_parsing body.items.1.size'],
    ],
    [{ items: [{ name: 'x' }], more: [] }, ['dict_type body.more']],
    [{ items: [{ name: 'x' }], more: { reason: 5 } }, ['string_type body.more.reason']],
  ])('and told by their place: %j: %j', (value, wanted) =>
    expect(nestedFaults(value).sort()).toEqual(wanted.sort()),
  );
});
