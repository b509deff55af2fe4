import { type OpenAPIObject } from '@nestjs/swagger';

type Node = Record<string, unknown>;

/**
 * Nest describes nullable values as OpenAPI 3.0 did, by a keyword of their own. JSON Schema, and with it 3.1, says it by
 * the type: `["string", "null"]`, or a choice between the schema and null. Returns a changed copy.
 */
export function toOpenApi31(document: OpenAPIObject): OpenAPIObject {
  return convert(document) as OpenAPIObject;
}

function convert(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(convert);
  if (typeof node !== 'object' || node === null) return node;
  const { nullable, ...rest } = Object.fromEntries<unknown>(
    Object.entries(node).map(([key, value]) => [
      key,
      key === 'example' || key === 'default' ? value : convert(value),
    ]),
  );
  return nullable === true ? orNull(rest) : rest;
}

function orNull(schema: Node): Node {
  if (typeof schema['type'] === 'string') return { ...schema, type: [schema['type'], 'null'] };
  const { description, ...rest } = schema;
  return { ...(description === undefined ? {} : { description }), anyOf: [rest, { type: 'null' }] };
}
