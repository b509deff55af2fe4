import { expect, it } from '@jest/globals';
import { readPayload } from './payload.js';

it('keeps the known fields of a payload', () => {
  const shell = { kind: 'shell', command: 'echo', args: ['a'], cwd: '/x', env: { A: 'b' }, timeoutMs: 1_000 };
  expect(readPayload({ ...shell, more: 1, args: ['a'] })).toEqual({ ok: true, payload: shell });
  expect(readPayload({ kind: 'shell', command: 'echo', cwd: null })).toEqual({
    ok: true,
    payload: { kind: 'shell', command: 'echo' },
  });
  expect(readPayload({ kind: 'openclaw-run' })).toEqual({
    ok: true,
    payload: { kind: 'openclaw-run', args: ['run'] },
  });
  expect(readPayload({ kind: 'openclaw-run', args: ['x'], openclawDir: 'd', network: true })).toEqual({
    ok: true,
    payload: { kind: 'openclaw-run', args: ['x'], openclawDir: 'd', network: true },
  });
});

it.each([
  [undefined, 'payload is required'],
  [null, 'payload is required'],
  ['x', 'payload is required'],
  [[], 'payload is required'],
  [{}, 'payload is required'],
  [{ kind: 'action' }, 'unsupported payload kind: action'],
  [{ kind: { a: 1 } }, 'unsupported payload kind: {"a":1}'],
  [{ kind: 'shell' }, 'payload.command is required'],
  [{ kind: 'shell', command: '' }, 'payload.command is required'],
  [{ kind: 'shell', command: 7 }, 'payload.command must be a text that names a program'],
  [{ kind: 'shell', command: 'x', args: 'y' }, 'payload.args must be a list of texts'],
  [{ kind: 'shell', command: 'x', args: [1] }, 'payload.args must be a list of texts'],
  [{ kind: 'shell', command: 'x', env: [] }, 'payload.env must be an object of texts, by names without ='],
  [
    { kind: 'shell', command: 'x', env: { A: 1 } },
    'payload.env must be an object of texts, by names without =',
  ],
  [
    { kind: 'shell', command: 'x', env: { 'A=B': '' } },
    'payload.env must be an object of texts, by names without =',
  ],
  [{ kind: 'shell', command: 'x', cwd: 1 }, 'payload.cwd must be a text'],
  [
    { kind: 'shell', command: 'x', timeoutMs: 999 },
    'payload.timeoutMs must be a whole number from 1000 to 86400000',
  ],
  [
    { kind: 'openclaw-run', timeoutMs: 1000.5 },
    'payload.timeoutMs must be a whole number from 1000 to 86400000',
  ],
  [{ kind: 'openclaw-run', openclawDir: {} }, 'payload.openclawDir must be a text'],
])('refuses %j: %s', (raw, why) => expect(readPayload(raw)).toEqual({ ok: false, why }));
