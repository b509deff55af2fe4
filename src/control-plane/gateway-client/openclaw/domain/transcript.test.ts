import { describe, expect, it } from '@jest/globals';
import { standingOf } from './transcript.js';

const KEY = 'k';
const own = { role: 'user', content: 'do it', idempotencyKey: 'k:user' };
const other = { role: 'user', content: 'else', idempotencyKey: 'other:user' };
const resumed = {
  ...{ role: 'user', content: '[System] Your previous turn was interrupted by a gateway restart.' },
  idempotencyKey: '1bcc2464-e70d-4398-b684-8fc57b25a4cc:user',
};
const imitated = { ...resumed, idempotencyKey: 'other:user' };
const reply = { role: 'assistant', content: [{ type: 'text', text: 'done' }], stopReason: 'stop' };
const toolUse = { role: 'assistant', content: [{ type: 'toolCall' }], stopReason: 'toolUse' };
const toolResult = { role: 'toolResult', content: 'ok' };
const aborted = { role: 'assistant', content: 'do', stopReason: 'aborted' };
const failed = { role: 'assistant', content: '', stopReason: 'error', errorMessage: '500' };
const active = (runId?: string) => ({
  sessionInfo: { hasActiveRun: true },
  ...(runId === undefined ? {} : { inFlightRun: { runId } }),
});

describe('where a turn stands by its transcript', () => {
  it.each([
    ['nothing there', {}, { kind: 'absent' }],
    ['only others', { messages: [other, reply] }, { kind: 'absent' }],
    ['accepted, not begun', { pendingInputs: { items: [{ runId: KEY }] } }, { kind: 'active', runId: KEY }],
    ['running', { messages: [own], ...active(KEY) }, { kind: 'active', runId: KEY }],
    ['resumed', { messages: [own, resumed], ...active('r2') }, { kind: 'active', runId: 'r2' }],
    ['about to be resumed', { messages: [own], ...active() }, { kind: 'active', runId: null }],
    ['replied', { messages: [own, reply] }, { kind: 'replied', text: 'done' }],
    [
      'replied after tools and a restart',
      { messages: [own, toolUse, toolResult, resumed, reply] },
      { kind: 'replied', text: 'done' },
    ],
    ['replied when resumed', { messages: [own, resumed, reply] }, { kind: 'replied', text: 'done' }],
    [
      'the reply of another that looks resumed',
      { messages: [own, imitated, reply] },
      { kind: 'quiet', error: '' },
    ],
    ['the reply of another', { messages: [own, other, reply] }, { kind: 'quiet', error: '' }],
    [
      'replied before another',
      { messages: [own, reply, other], ...active('o') },
      { kind: 'replied', text: 'done' },
    ],
    ['begun and quiet', { messages: [own] }, { kind: 'quiet', error: '' }],
    ['cut off in the middle of a text', { messages: [own, aborted] }, { kind: 'quiet', error: '' }],
    ['cut off while a tool ran', { messages: [own, toolUse, toolResult] }, { kind: 'quiet', error: '' }],
    ['failed', { messages: [own, failed] }, { kind: 'quiet', error: '500' }],
    [
      'not among the rows that are left',
      { messages: [toolResult], hasMore: true },
      { kind: 'quiet', error: '' },
    ],
    ['garbage', 'x', { kind: 'absent' }],
  ])('%s', (_what, history, standing) => expect(standingOf(history, KEY)).toEqual(standing));
});
