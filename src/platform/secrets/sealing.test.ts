import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { Sealer, secretsKey, UnsealError } from './sealing.js';

describe('a sealed text', () => {
  const key = randomBytes(32);
  const sealer = new Sealer(key);

  it('opens for its purpose, and never looks the same twice', () => {
    const [first, second] = [sealer.seal('geheim ✓', 'gateway:a'), sealer.seal('geheim ✓', 'gateway:a')];
    expect(first).not.toBe(second);
    expect(first).not.toContain('geheim');
    expect(sealer.open(first, 'gateway:a')).toBe('geheim ✓');
  });

  it('opens neither for another purpose, nor with another key, nor when it was changed', () => {
    const sealed = sealer.seal('x', 'gateway:a');
    const changed = sealed.slice(0, -1) + (sealed.endsWith('A') ? 'B' : 'A');
    expect(() => sealer.open(sealed, 'gateway:b')).toThrow(UnsealError);
    expect(() => new Sealer(randomBytes(32)).open(sealed, 'gateway:a')).toThrow(UnsealError);
    for (const bad of [changed, '', 'v1.', 'v1.AAAA', 'v2.' + sealed.slice(3)])
      expect(() => sealer.open(bad, 'gateway:a')).toThrow(UnsealError);
  });

  it('takes a key of 32 bytes in hex or base64, and nothing else', () => {
    expect(secretsKey(key.toString('hex'))).toEqual(key);
    expect(secretsKey(key.toString('base64'))).toEqual(key);
    for (const bad of ['', 'short', 'x'.repeat(64), randomBytes(31).toString('base64')])
      expect(secretsKey(bad)).toBeUndefined();
  });
});
