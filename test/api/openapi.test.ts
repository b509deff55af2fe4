import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { parse } from 'yaml';
import { problems } from '../../src/platform/problems/problems.js';

interface Operation {
  readonly summary?: string;
  readonly parameters: { readonly name: string; readonly in: string; readonly description?: string }[];
  readonly responses: Record<string, unknown>;
  readonly security?: unknown[];
}

let document: {
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, { properties?: Record<string, { description?: string; allOf?: unknown }> }>;
  };
};
beforeAll(() => {
  document = parse(readFileSync('openapi.yaml', 'utf8'));
});

describe('openapi.yaml', () => {
  it('is what the code says', () => {
    expect(() =>
      execFileSync(process.execPath, ['scripts/openapi.mjs', '--check'], { stdio: 'pipe' }),
    ).not.toThrow();
  });

  it('is valid by the schema of OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(document);
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(validator.version).toBe('3.1');
  });

  it('describes every field', () => {
    const silent = Object.entries(document.components.schemas).flatMap(([schema, { properties = {} }]) =>
      Object.entries(properties)
        .filter(([, { description = '' }]) => description === '')
        .map(([field]) => `${schema}.${field}`),
    );
    expect(silent).toEqual([]);
  });

  it('describes every parameter, summarises every operation, and lists its errors', () => {
    const faults = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, operation]) => [
        ...(operation.summary ? [] : [`${method} ${path}: no summary`]),
        ...operation.parameters
          .filter((parameter) => !parameter.description)
          .map((parameter) => `${method} ${path}: ${parameter.in} ${parameter.name} has no description`),
        ...(operation.security?.length === 0 || '401' in operation.responses
          ? []
          : [`${method} ${path}: no 401`]),
      ]),
    );
    expect(faults).toEqual([]);
  });
});

describe('docs/problems.md', () => {
  it('has a paragraph for every kind of problem, and no other', () => {
    const headings = [...readFileSync('docs/problems.md', 'utf8').matchAll(/^## (.+)$/gm)].map(
      (match) => match[1],
    );
    expect(headings.sort()).toEqual(Object.keys(problems).sort());
  });
});
