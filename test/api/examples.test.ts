import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';

interface Schema {
  readonly $ref?: string;
  readonly required?: readonly string[];
  readonly properties?: Record<string, Schema & { readonly example?: unknown }>;
}
interface Operation {
  readonly parameters?: {
    name: string;
    in: string;
    required?: boolean;
    schema?: { example?: string | number };
  }[];
  readonly responses: Record<string, { content?: object }>;
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } };
}

const document = parse(readFileSync('openapi.yaml', 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

/** What the documentation page offers to send: every field that has an example, with that value. */
function exampleOf(schema: Schema): Record<string, unknown> {
  const { properties = {} } = schema.$ref
    ? (document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {})
    : schema;
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([, field]) => field.example !== undefined)
      .map(([name, field]) => [name, field.example]),
  );
}

/** The same with a value for what a caller has to know from an earlier answer. */
const FROM_AN_EARLIER_ANSWER = {
  ...{ task_id: 'some-task', worker_id: 'worker-1', claim_token: '0'.repeat(32), agent_id: 'worker-1' },
  ...{ id: 'some-task', file_path: 'src/app.ts' },
};

describe('the examples of the documentation', () => {
  let api: TestControlPlane;
  beforeAll(
    async () =>
      (api = await startTestControlPlane({
        env: { SKYCLAW_PUBLIC_API_KEYS: 'a-key:examples', SKYNET_SECRETS_KEY: '5'.repeat(64) },
      })),
  );
  afterAll(() => api.close());

  it.each(operations)('$method $path takes its own', async ({ path, method, operation }) => {
    const known = FROM_AN_EARLIER_ANSWER as Record<string, string>;
    const query = new URLSearchParams();
    for (const parameter of operation.parameters ?? []) {
      if (parameter.in !== 'query') continue;
      const example = parameter.schema?.example ?? (parameter.required ? known[parameter.name] : undefined);
      if (example !== undefined) query.set(parameter.name, String(example));
    }
    const url = `${path.replace(/\{(\w+)\}/g, (_, name: string) => known[name] ?? 'x')}?${query.toString()}`;
    const schema = operation.requestBody?.content['application/json'].schema;
    const body = schema && { ...exampleOf(schema) };
    for (const name of required(schema)) if (body && !(name in body)) body[name] = known[name];
    if ('text/event-stream' in (operation.responses['200']?.content ?? {})) return opens(api.url + url);
    const sent = method === 'get' ? undefined : (body ?? {});
    const reply = await api.call(method.toUpperCase(), url, sent, { authorization: 'Bearer a-key' });
    // Nobody is there: no gateway to send to, no task to end. What was sent is right all the same.
    expect([200, 404, 409, 503]).toContain(reply.status);
    if (reply.status === 503) expect(reply.body.detail).toBe('No healthy gateway available');
  });
});

/** A stream never ends: its beginning is enough. */
async function opens(url: string): Promise<void> {
  const response = await fetch(url);
  await response.body?.cancel();
  // Streams of one job or service are of one that is not there.
  expect([200, 404]).toContain(response.status);
}

function required(schema: Schema | undefined): readonly string[] {
  const name = schema?.$ref?.split('/').at(-1) ?? '';
  return document.components.schemas[name]?.required ?? schema?.required ?? [];
}
