import { expect, it } from '@jest/globals';
import { serverSentEvents } from './server-sent-events.js';

/** What is read of a stream whose bytes come in pieces of this size. */
async function read(text: string, size: number): Promise<unknown[]> {
  const bytes = new TextEncoder().encode(text);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += size)
      yield await Promise.resolve(bytes.subarray(at, at + size));
  }
  const said = [];
  for await (const each of serverSentEvents(chunks())) said.push(each);
  return said;
}

const event = (data: string, more: object = {}) => ({
  kind: 'event',
  event: { event: 'message', data, ...more },
});

it.each([1, 2, 3, 1_000])('reads events from pieces of %d bytes', async (size) => {
  const text = [
    ': a comment\n\n',
    'retry: 250\n\n',
    'event: log\nid: 7\ndata: {"a":"ü😀"}\n\n',
    'data:first\r\ndata:  second\r\n\r\n',
    'event: nothing to tell\n\n',
    'id\ndata\n\n',
    'unknown: x\ndata: last\n\n',
    'data: half an event\n',
  ].join('');
  expect(await read(text, size)).toEqual([
    { kind: 'retry', retryMs: 250 },
    event('{"a":"ü😀"}', { event: 'log', id: '7' }),
    event('first\n second', { id: '7' }),
    event('', { id: '' }),
    event('last', { id: '' }),
  ]);
});

it('does not take a retry that is no number, or an id with a zero byte', async () => {
  expect(await read('retry: 1s\nid: a\0b\ndata: x\n\n', 1_000)).toEqual([event('x')]);
});
