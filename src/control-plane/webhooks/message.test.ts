import { expect, it } from '@jest/globals';
import { type TaskEvent } from '../events/index.js';
import { messageOf } from './message.js';

const EVENT: TaskEvent = {
  ...{ id: 7, txid: '12', taskId: 't', eventType: 'succeeded', fromStatus: 'running', toStatus: 'succeeded' },
  ...{ workerId: 'w', claimToken: 'secret', message: 'done', createdAt: '2026-01-01T00:00:00.000000+00:00' },
  payload: { result: 1 },
};
interface Body {
  readonly data: Record<string, unknown>;
}

it('is the same whoever makes it, and holds no claim token', () => {
  const message = messageOf('wh_a', EVENT, 'p');
  expect(messageOf('wh_a', EVENT, 'p')).toEqual(message);
  expect(message.id).toBe('msg_a_7');
  expect(message.body).not.toContain('secret');
  expect((JSON.parse(message.body) as Body).data).toMatchObject({ payload: { result: 1 }, project_id: 'p' });
});

it('leaves a payload behind that is too large', () => {
  const { body } = messageOf('wh_a', { ...EVENT, payload: { text: 'x'.repeat(70_000) } }, null);
  expect(body.length).toBeLessThan(1_000);
  expect((JSON.parse(body) as Body).data).toMatchObject({ payload: {}, payload_omitted: true });
});
