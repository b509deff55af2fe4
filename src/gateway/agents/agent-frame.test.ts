import { expect, it } from '@jest/globals';
import { parseAgentFrame } from './agent-frame.js';
import { fc } from '../../../test/support/properties.js';

const parse = (frame: object) => parseAgentFrame(JSON.stringify(frame));

it('reads a greeting, and leaves out of it what makes no sense', () => {
  expect(
    parse({ type: 'agent_hello', agent_version: '1', capabilities: ['a', 7, 'b'], agent_id: 'me' }),
  ).toEqual({ type: 'agent_hello', agent_version: '1', capabilities: ['a', 'b'], agent_id: 'me' });
  expect(parse({ type: 'agent_hello', agent_id: 'no spaces allowed' })).toEqual({
    type: 'agent_hello',
    agent_version: 'unknown',
    capabilities: [],
  });
  const many = Array.from({ length: 1_000 }, () => 'x'.repeat(1_000));
  expect(JSON.stringify(parse({ type: 'agent_hello', capabilities: many })).length).toBeLessThan(110_000);
});

it('reads an answer; one without sense is an end of which nobody can tell', () => {
  const answer = { type: 'action_response', request_id: '1', action: 'a' };
  const result = { returncode: 1, stdout: '\ud800', stderr: '' };
  expect(parse({ ...answer, status: 'success', result })).toEqual({
    ...answer,
    status: 'success',
    result: { ...result, stdout: '\ufffd' },
  });
  const senseless = { ...answer, status: 'error', error: 'Internal agent error.', outcome: 'unknown' };
  for (const more of [
    { status: 'success' },
    { status: 'maybe', result },
    { status: 'success', result: { returncode: 1.5 } },
    { status: 'success', result: { returncode: 0, stdout: 7 } },
    { status: 'error' },
  ]) {
    expect(parse({ ...answer, ...more })).toEqual(senseless);
  }
  expect(parse({ type: 'action_response', status: 'success', result })).toBeUndefined();
});

it('never throws', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseAgentFrame(text)));
});
