import { expect, it } from '@jest/globals';
import { HttpStage } from './http-stage.js';
import { fc } from '../support/properties.js';

const stage = HttpStage.forTests();

it('POST /v1/chat/completions never answers with a 5xx of its own, whatever it is sent', async () => {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: 'binary' }),
    fc.constant('auto'),
    fc.constant('user'),
  );
  const toolCalls = fc.array(
    fc.record(
      {
        id: value,
        function: fc.oneof(value, fc.record({ name: value, arguments: value }, { requiredKeys: [] })),
      },
      { requiredKeys: [] },
    ),
    { maxLength: 3 },
  );
  const message = fc.record(
    {
      role: fc.oneof(fc.constantFrom('system', 'user', 'assistant', 'tool', '__proto__'), value),
      content: fc.oneof(
        value,
        fc.array(fc.record({ type: fc.constant('text'), text: value }), { maxLength: 3 }),
      ),
      tool_calls: fc.oneof(value, toolCalls),
      tool_call_id: value,
    },
    { requiredKeys: [] },
  );
  const body = fc.record(
    {
      model: fc.oneof(
        value,
        fc.constantFrom('groq/__proto__', 'constructor', 'groq/../../x', 'gemini/a?b#c'),
      ),
      messages: fc.oneof(value, fc.array(message, { maxLength: 3 })),
      tools: fc.oneof(value, fc.array(fc.record({ type: fc.constant('function'), function: value }))),
      stream: fc.oneof(value, fc.constant(true)),
      max_tokens: value,
      temperature: value,
      task_type: value,
      stream_options: value,
      __proto__: value,
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(body, async (request) => {
      const response = await fetch(`${stage.gateway.url}/v1/chat/completions`, {
        method: 'POST',
        body: JSON.stringify(request),
      });
      const text = await response.text();
      expect(response.status).toBeLessThan(500);
      expect(text).not.toMatch(/node_modules|\.[jt]s:\d+|select .* from|secret-key/i);
    }),
    { numRuns: 400 },
  );
});
