import { describe, expect, it } from '@jest/globals';
import { type KeylessTurn, lastRowOf, standingByText } from './keyless-transcript.js';

const row = (seq: number, role: string, content: string, more: object = {}) => ({
  ...{ role, content, __openclaw: { seq } },
  ...more,
});
const RESUMED = { idempotencyKey: '1bcc2464-e70d-4398-b684-8fc57b25a4cc:user' };
const own = row(3, 'user', 'do it');
const reply = row(4, 'assistant', 'done', { stopReason: 'stop' });
const before = [row(1, 'user', 'do it'), row(2, 'assistant', 'done before', { stopReason: 'stop' })];
const long = 'x'.repeat(5_000);
const cut = row(3, 'user', `${'x'.repeat(4_000)}\n…(truncated)…`);

const turn = (more: Partial<KeylessTurn> = {}): KeylessTurn => ({
  ...{ message: 'do it', ownsSession: true, rowsBefore: 2 },
  ...more,
});
const shared = turn({ ownsSession: false });

describe('where a turn without a key stands', () => {
  it.each([
    ['nothing there', {}, false, turn(), { kind: 'absent' }],
    ['only what was there before', { messages: before }, false, turn(), { kind: 'absent' }],
    [
      'not there, but something is going on',
      { messages: before },
      true,
      turn(),
      { kind: 'active', runId: null },
    ],
    [
      'accepted, not begun',
      { messages: before, pendingInputs: { items: [{ state: 'queued' }] } },
      ...([false, turn(), { kind: 'active', runId: null }] as const),
    ],
    ['running', { messages: [...before, own] }, true, turn(), { kind: 'active', runId: null }],
    ['replied', { messages: [...before, own, reply] }, false, turn(), { kind: 'replied', text: 'done' }],
    ['begun and quiet', { messages: [...before, own] }, false, turn(), { kind: 'quiet', error: '' }],
    [
      'cut off in front',
      { messages: [reply], droppedMessages: true },
      false,
      turn(),
      { kind: 'replied', text: 'done' },
    ],
    [
      'in a session of several, found by its text',
      {
        messages: [
          ...before,
          row(3, 'user', 'else'),
          row(4, 'user', ' do it\n'),
          row(5, 'assistant', 'yes', { stopReason: 'stop' }),
        ],
      },
      ...([false, shared, { kind: 'replied', text: 'yes' }] as const),
    ],
    [
      'another in that session',
      { messages: [...before, row(3, 'user', 'else')] },
      false,
      shared,
      { kind: 'absent' },
    ],
    [
      'resumed in that session',
      {
        messages: [
          own,
          row(4, 'user', '[System] interrupted', RESUMED),
          row(5, 'assistant', 'yes', { stopReason: 'stop' }),
        ],
      },
      ...([false, shared, { kind: 'replied', text: 'yes' }] as const),
    ],
    [
      'replied before another',
      { messages: [own, reply, row(5, 'user', 'else')] },
      ...([true, shared, { kind: 'replied', text: 'done' }] as const),
    ],
    [
      'a long text that was cut',
      { messages: [cut, reply] },
      ...([false, { ...shared, message: long }, { kind: 'replied', text: 'done' }] as const),
    ],
  ])('%s', (_what, history, isActive, of, standing) =>
    expect(standingByText(history, isActive, of)).toEqual(standing),
  );

  it('knows the last row of a session', () => {
    expect([lastRowOf({}), lastRowOf({ messages: before })]).toEqual([0, 2]);
  });
});
