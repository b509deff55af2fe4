import { type OpenAPIObject } from '@nestjs/swagger';
import { expect, it } from '@jest/globals';
import { toOpenApi31 } from './openapi-31.js';

const convert = (node: unknown) => toOpenApi31(node as OpenAPIObject) as unknown;

it('says by the type that a value may be null', () => {
  expect(convert({ a: { type: 'string', nullable: true, description: 'x' } })).toEqual({
    a: { type: ['string', 'null'], description: 'x' },
  });
  expect(convert([{ $ref: '#/x', nullable: true, description: 'x' }])).toEqual([
    { description: 'x', anyOf: [{ $ref: '#/x' }, { type: 'null' }] },
  ]);
  expect(convert({ type: 'string', nullable: false })).toEqual({ type: 'string' });
});

it('touches neither examples and defaults nor the document that it was given', () => {
  const document = { schema: { default: { nullable: true }, example: [{ nullable: true }] } };
  const copy = structuredClone(document);
  expect(convert(document)).toEqual(copy);
  expect(document).toEqual(copy);
});
