import { describe, expect, it } from '@jest/globals';
import { outcomeOfError, outcomeOfReply } from './outcome.js';

const reply = (status: number, body: unknown) => outcomeOfReply({ status, body, retryAfterMs: null }).kind;

describe('what an answer says', () => {
  it.each([
    [200, { status: 'ok' }, 'succeeded'],
    [200, { status: 'success', result: { returncode: 0 } }, 'succeeded'],
    [200, { status: 'success', result: { returncode: null } }, 'succeeded'],
    [200, { status: 'success', result: { returncode: -1 } }, 'failed'],
    [200, { status: 'error' }, 'failed'],
    [200, 'text', 'unknown'],
    [200, undefined, 'unknown'],
    [400, {}, 'failed'],
    [401, {}, 'failed'],
    [408, {}, 'not-executed'],
    [409, {}, 'failed'],
    [429, {}, 'not-executed'],
    [500, {}, 'unknown'],
    [502, {}, 'unknown'],
    [503, {}, 'not-executed'],
    [503, { outcome: 'unknown' }, 'unknown'],
    [503, { error: 'Agent disconnected.' }, 'unknown'],
    [504, {}, 'unknown'],
  ])('%i %j: %s', (status, body, kind) => expect(reply(status, body)).toBe(kind));
});

describe('what an error says', () => {
  const error = (code: string, cause?: unknown) => Object.assign(new Error('x', { cause }), { code });
  it.each([
    [error('ECONNREFUSED'), 'not-executed'],
    [error('ENOTFOUND'), 'not-executed'],
    [error('UND_ERR_CONNECT_TIMEOUT'), 'not-executed'],
    [new AggregateError([error('ECONNREFUSED')]), 'not-executed'],
    [error('ECONNRESET'), 'unknown'],
    [error('UND_ERR_SOCKET'), 'unknown'],
    [new DOMException('late', 'TimeoutError'), 'unknown'],
    [new Error('whatever'), 'unknown'],
  ])('%s: %s', (thrown, kind) => expect(outcomeOfError(thrown).kind).toBe(kind));
});
