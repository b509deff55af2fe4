import { describe, expect, it } from '@jest/globals';
import { isMetadataName, refusalOfAddress, refusalOfForeignAddress } from './address.js';

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

describe('an address that a stranger has named', () => {
  it.each([
    ...['127.0.0.1', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1', '::ffff:0:127.0.0.1'],
    ...['64:ff9b::7f00:1', '64:ff9b:1::7f00:1', '2002:7f00:1::', '2001:0:1::', '0.0.0.0', '::'],
    ...[
      '10.1.2.3',
      '172.16.0.1',
      '192.168.0.1',
      '100.64.0.1',
      'fd00::1',
      'fec0::1',
      'fe80::1',
      'fe80::1%eth0',
    ],
    ...[
      '169.254.169.254',
      '169.254.1.1',
      '100.100.100.200',
      '168.63.129.16',
      'fd00:ec2::254',
      '::ffff:a9fe:a9fe',
    ],
    ...[
      '224.0.0.1',
      '255.255.255.255',
      '240.0.0.1',
      '198.18.0.1',
      '192.0.2.1',
      'ff02::1',
      '4000::1',
      'no address',
    ],
  ])('%s is refused', (address) => expect(refusalOfForeignAddress(address, [])).not.toBeNull());

  it.each(['8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808'])('%s is not', (address) =>
    expect(refusalOfForeignAddress(address, [])).toBeNull(),
  );

  it('may be in a range that is allowed, in whatever form; a metadata service only by its own address', () => {
    const refused = (address: string, ...allowed: string[]) =>
      refusalOfForeignAddress(address, allowed) !== null;
    expect(refused('::ffff:127.0.0.1', '127.0.0.0/8')).toBe(false);
    expect(refused('10.0.0.1', '127.0.0.0/8', 'fd00::/8')).toBe(true);
    expect(refused('fd00::1', '127.0.0.0/8', 'fd00::/8')).toBe(false);
    expect(refused('169.254.169.254', '0.0.0.0/0', '169.254.0.0/16')).toBe(true);
    expect(refused('169.254.169.254', '169.254.169.254')).toBe(false);
    expect(refused('2002:7f00:1::', '2000::/3')).toBe(true);
  });
});
