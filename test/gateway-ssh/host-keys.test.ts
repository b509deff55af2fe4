import { createHash, createHmac, randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { judgeHostKey, preferredAlgorithms } from '../../src/gateway/ssh/domain/host-key-policy.js';
import { keysInKnownHosts } from '../../src/gateway/ssh/host-keys/known-hosts.js';
import { act } from '../gateway/fixture.js';
import { SshFixture } from './fixture.js';
import { leftOut, trouble } from './sshd.js';

describe('the key of a host', () => {
  it('is judged by the first source that knows the host, and a revoked one never counts', () => {
    const nothing = { isPinned: null, listed: [], revoked: [], remembered: null, strict: false };
    const refused = { refused: expect.any(String) };
    expect(judgeHostKey('k', nothing)).toBe('trusted from now on');
    expect(judgeHostKey('k', { ...nothing, strict: true })).toEqual(refused);
    expect(judgeHostKey('k', { ...nothing, remembered: 'k', strict: true })).toBe('trusted');
    expect(judgeHostKey('k', { ...nothing, remembered: 'other' })).toEqual(refused);
    expect(judgeHostKey('k', { ...nothing, listed: ['x', 'k'], remembered: 'other' })).toBe('trusted');
    expect(judgeHostKey('k', { ...nothing, listed: ['x'], remembered: 'k' })).toEqual(refused);
    expect(judgeHostKey('k', { ...nothing, isPinned: true, listed: ['x'], strict: true })).toBe('trusted');
    expect(judgeHostKey('k', { ...nothing, isPinned: false, listed: ['k'] })).toEqual(refused);
    expect(judgeHostKey('k', { ...nothing, isPinned: true, revoked: ['k'] })).toEqual(refused);
  });

  it('is asked for in the type that is known', () => {
    const wire = (type: string) =>
      Buffer.concat([Buffer.from([0, 0, 0, type.length]), Buffer.from(type), Buffer.alloc(4)]).toString(
        'base64',
      );
    const all = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-512', 'rsa-sha2-256'];
    expect(preferredAlgorithms([], all)).toEqual(all);
    expect(preferredAlgorithms([wire('ssh-rsa')], all)).toEqual([...all.slice(2), ...all.slice(0, 2)]);
    expect(preferredAlgorithms(['SHA256:x', wire('ecdsa-sha2-nistp256')], all)[0]).toBe(
      'ecdsa-sha2-nistp256',
    );
  });

  it('is found in known_hosts under plain, patterned and hashed names', () => {
    const salt = randomBytes(20);
    const hash = createHmac('sha1', salt).update('[h.example]:2222').digest('base64');
    const text = [
      '# comment',
      'h.example ssh-ed25519 plain22',
      '[H.example]:2222,10.0.0.1 ssh-ed25519 plain comment',
      '*.example,!h.example ssh-rsa never',
      '[h.*]:2222 ssh-rsa pattern',
      '[h?example]:2222 ssh-rsa one',
      `|1|${salt.toString('base64')}|${hash} ssh-rsa hashed`,
      '@revoked [h.example]:2222 ssh-rsa revoked',
      '@cert-authority [h.example]:2222 ssh-rsa authority',
      'garbage',
      '[hxexample]:2222 ssh-rsa other',
    ].join('\r\n');
    expect(keysInKnownHosts(text, 'h.example', 2222)).toEqual({
      listed: ['plain', 'pattern', 'one', 'hashed'],
      revoked: ['revoked'],
    });
    expect(keysInKnownHosts(text, 'h.example', 22).listed).toEqual(['plain22']);
  });
});

const suite = trouble === undefined ? describe : describe.skip; // Nothing can stand in for a real sshd; the name of the suite says what is missing.

suite(`a gateway that meets a host${leftOut}`, () => {
  let fixture: SshFixture;
  beforeAll(async () => {
    fixture = await SshFixture.create();
    fixture.sshd.makeKey('other');
    fixture.sshd.makeKey('stranger');
  });
  beforeEach(async () => {
    await fixture.gateways.sql.query('drop table if exists none');
    await fixture.gateways.sql.query(
      "do $$ begin if to_regclass('gateway.ssh_host_keys') is not null then delete from gateway.ssh_host_keys; end if; end $$",
    );
    rmSync(fixture.sshd.path('known_hosts'), { force: true });
  });
  afterAll(() => fixture.close());

  /** What a new gateway says of an action. */
  const met = async (env: Record<string, string>) => {
    // The health loop would meet the host as well: once is enough.
    const gateway = await fixture.start({ env: { OPENCLAW_SSH_HEALTH_CACHE_SECONDS: '3600', ...env } });
    const answer = await act(gateway, 'list_directory', { directory: fixture.root });
    await gateway.close();
    return answer;
  };
  const keyOf = (name: string) => fixture.sshd.publicKey(name);
  const fingerprint = (name: string) =>
    `SHA256:${createHash('sha256')
      .update(Buffer.from(keyOf(name).split(' ')[1] ?? '', 'base64'))
      .digest('base64')
      .replace(/=+$/, '')}`;
  const list = (name: string) =>
    writeFileSync(fixture.sshd.path('known_hosts'), `[127.0.0.1]:${fixture.sshd.port} ${keyOf(name)}\n`);
  const refusal = (reason: string) => ({
    status: 503,
    body: {
      status: 'error',
      action: 'list_directory',
      error: `SSH action failed: ${reason}`,
      outcome: 'not_executed',
    },
  });

  it('trusts it on first use, remembers that for all gateways, and refuses another key from then on', async () => {
    expect((await met({})).status).toBe(200);
    expect((await met({ OPENCLAW_SSH_STRICT_HOST_KEY: '1' })).status).toBe(200);
    const { rows } = await fixture.gateways.sql.query(
      'select host, port, public_key from gateway.ssh_host_keys',
    );
    const [, key] = keyOf('host').split(' ');
    expect(rows).toEqual([{ host: '127.0.0.1', port: fixture.sshd.port, public_key: key }]);
    await fixture.gateways.sql.query("update gateway.ssh_host_keys set public_key = 'AAAA'");
    expect(await met({})).toEqual(
      refusal('the key of the host is not the one that it showed when it was first trusted'),
    );
  });

  it('refuses what it does not know when it is strict', async () => {
    const strict = { OPENCLAW_SSH_STRICT_HOST_KEY: '1' };
    expect(await met(strict)).toEqual(
      refusal('the host is not known, and OPENCLAW_SSH_STRICT_HOST_KEY refuses unknown hosts'),
    );
    list('host');
    expect((await met(strict)).status).toBe(200);
    const { rows } = await fixture.gateways.sql.query('select 1 from gateway.ssh_host_keys');
    expect(rows).toEqual([]);
  });

  it('goes by known_hosts, and by the word of the operator before that', async () => {
    list('other');
    expect(await met({})).toEqual(refusal('the key of the host is not the one in known_hosts'));
    for (const name of [keyOf('host'), keyOf('host').split(' ')[1] ?? '', fingerprint('host')]) {
      expect((await met({ OPENCLAW_SSH_HOST_KEY: name })).status).toBe(200);
    }
    list('host');
    expect(await met({ OPENCLAW_SSH_HOST_KEY: fingerprint('other') })).toEqual(
      refusal('the key of the host is not the one in OPENCLAW_SSH_HOST_KEY'),
    );
    expect((await met({ OPENCLAW_SSH_HOST_KEY: `${fingerprint('other')}, ${keyOf('host')}` })).status).toBe(
      200,
    );
  });

  it('is let in with a key from a file, and not with a wrong one, none, or a file that is not there', async () => {
    const none = { OPENCLAW_SSH_PRIVATE_KEY_B64: '' };
    const file = (name: string) => ({ ...none, OPENCLAW_SSH_KEY_PATH: fixture.sshd.path(name) });
    expect((await met(file('login'))).status).toBe(200);
    const denied = refusal('All configured authentication methods failed');
    expect(await met(file('stranger'))).toEqual(denied);
    expect(await met(none)).toEqual(denied);
    expect(await met(file('absent'))).toEqual(
      refusal('the key file in OPENCLAW_SSH_KEY_PATH cannot be read (ENOENT)'),
    );
  });
});
