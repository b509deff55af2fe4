import { describe, expect, it } from '@jest/globals';
import { type Answer } from './client.js';
import { Description } from './description.js';
import { Judge } from './judge.js';
import { type FuzzRequest } from './requests.js';
import { Secrets } from './secrets.js';

const secrets = new Secrets();
secrets.add('a token', 'very-secret');
const description = Description.read();
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

function rulesBroken(operation: string, answer: Partial<Answer> | null, sent = ''): string[] {
  const [method = '', path = ''] = operation.split(' ');
  const request: FuzzRequest = { operation, method, path, headers: {}, body: null, as: 'admin', pin: null };
  const whole = { status: 200, headers: JSON_TYPE, text: '{}', isWhole: true, ...answer };
  const faults = new Judge(description, secrets).faults(request, { sent, answer: answer && whole });
  return faults.map(({ rule }) => rule);
}

describe('an answer', () => {
  it.each([
    ['none at all', null, 'answered'],
    ['a fault of the server', { status: 500, text: '{"detail":"x"}' }, 'no-5xx'],
    ['503 where nothing excuses it', { status: 503, text: '{"detail":"x"}' }, 'no-5xx'],
    ['a status that nobody described', { status: 299 }, 'documented'],
    ['another shape than described', { text: '{"ok":"yes"}' }, 'schema'],
    ['no JSON', { text: '{"ok":' }, 'json'],
    ['an error in a form of its own', { status: 404, text: '[]' }, 'problem'],
    ['a secret', { text: '{"ok":true,"x":"very-secret"}' }, 'no-secret'],
    ['a stack', { text: '{"ok":true,"x":"at f (/app/dist/a.js:1:2)"}' }, 'nothing-of-the-inside'],
    ['a statement', { text: '{"ok":true,"x":"select id from tasks where x"}' }, 'nothing-of-the-inside'],
    ['a word of PostgreSQL', { text: '{"ok":true,"x":"syntax error at or near"}' }, 'nothing-of-the-inside'],
  ] as const)('is found to be %s', (_what, answer, rule) => {
    expect(rulesBroken('POST /v1/tasks/{id}/start', answer)).toEqual([rule]);
  });

  it('is right as it is described, where 503 is excused, and with what the asker has sent himself', () => {
    const start = 'POST /v1/tasks/{id}/start';
    expect(rulesBroken(start, { text: '{"ok":true}' })).toEqual([]);
    expect(rulesBroken(start, { status: 422, text: '{"detail":[]}' })).toEqual([]);
    expect(rulesBroken('POST /v1/route-task', { status: 503, text: '{"detail":"x"}' })).toEqual([]);
    expect(rulesBroken(start, { text: '{"ok":true,"x":"very-secret"}' }, 'my very-secret')).toEqual([]);
  });
});
