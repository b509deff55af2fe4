import { expect, it } from '@jest/globals';
import { parseGatewayFrame } from './gateway-frame.js';
import { fc } from '../../../../test/support/properties.js';

const request = { type: 'action_request', request_id: '1', action: 'file_read', timeout_ms: 1 };

it('reads requests, and takes only a literal true for a confirmation', () => {
  expect(parseGatewayFrame(JSON.stringify({ ...request, extra: 1 }))).toEqual({
    ...request,
    params: {},
    confirmed: false,
  });
  for (const confirmed of ['true', 1, {}]) {
    expect(parseGatewayFrame(JSON.stringify({ ...request, confirmed }))).toMatchObject({ confirmed: false });
  }
  expect(parseGatewayFrame(JSON.stringify({ ...request, recall: true }))).toMatchObject({ recall: true });
});

it.each([
  '',
  'x',
  '[]',
  'null',
  '{}',
  '{"type":"dance"}',
  '{"type":"action_request"}',
  JSON.stringify({ ...request, params: [] }),
  JSON.stringify({ ...request, action: 7 }),
])('ignores %j', (text) => expect(parseGatewayFrame(text)).toBeUndefined());

it('never throws', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseGatewayFrame(text)));
});
