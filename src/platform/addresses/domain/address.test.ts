import { describe, expect, it } from '@jest/globals';
import { isMetadataName, refusalOfAddress } from './address.js';

describe('an address that a name resolves to', () => {
  it.each([
    ['127.0.0.1', true],
    ['192.168.1.1', true],
    ['::1', true],
    ['169.254.169.254', false],
    ['::ffff:169.254.169.254', false],
    ['fe80::1', false],
    ['0.0.0.0', false],
    ['not an address', false],
  ])('%s', (address, allowed) => expect(refusalOfAddress(address) === null).toBe(allowed));
});

it('knows the names of metadata services, however they are written', () => {
  expect(['Metadata.Google.Internal.', 'metadata.goog'].every(isMetadataName)).toBe(true);
  expect(isMetadataName('metadata.example')).toBe(false);
});
