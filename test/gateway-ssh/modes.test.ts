import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { gatewayConfig } from '../../src/gateway/index.js';
import { Env } from '../../src/platform/config/env.js';
import { act, GatewayFixture } from '../gateway/fixture.js';
import { statusOf } from './fixture.js';

describe('the settings of SSH', () => {
  const ssh = (source: Record<string, string>) => {
    const env = new Env(source);
    return { ...gatewayConfig(env).ssh, warnings: env.warnings };
  };

  it('have the defaults of the contract', () => {
    expect(ssh({ OPENCLAW_SSH_FALLBACK_ENABLED: '1', OPENCLAW_SSH_USER: 'u' })).toMatchObject({
      forced: false,
      target: {
        host: '127.0.0.1',
        port: 2_222,
        os: 'windows',
        roots: ['%USERPROFILE%\\Projects', '%USERPROFILE%\\Documents'],
        agents: { codex: 'codex', claude: 'claude', cline: 'cline' },
        connectTimeoutMs: 4_000,
        commandTimeoutSeconds: 180,
        healthIntervalMs: 15_000,
        strictHostKey: false,
      },
      warnings: [],
    });
    const linux = ssh({
      OPENCLAW_EXECUTION_MODE: 'tunnel',
      OPENCLAW_SSH_USER: 'u',
      OPENCLAW_SSH_REMOTE_OS: 'linux',
    });
    expect(linux).toMatchObject({ forced: true, target: { roots: ['/home', '/tmp'] } });
  });

  it('configure nothing without being enabled, or without a user', () => {
    expect(ssh({ OPENCLAW_SSH_USER: 'u' }).target).toBeUndefined();
    expect(ssh({ OPENCLAW_SSH_FALLBACK_ENABLED: '1' }).target).toBeUndefined();
    for (const mode of ['ssh', 'SSH_TUNNEL', 'tunnel', 'ssh-only']) {
      expect(ssh({ OPENCLAW_EXECUTION_MODE: mode })).toMatchObject({ forced: true, target: undefined });
    }
  });

  it('say by name what is wrong, and never show a key', () => {
    const { warnings, target } = ssh({
      OPENCLAW_EXECUTION_MODE: 'sideways',
      OPENCLAW_SSH_FALLBACK_ENABLED: '1',
      OPENCLAW_SSH_USER: 'u',
      OPENCLAW_SSH_PORT: '99999',
      OPENCLAW_SSH_PRIVATE_KEY_B64: Buffer.from('no key').toString('base64'),
    });
    expect(target?.privateKey).toBeUndefined();
    expect(warnings.join('\n')).toContain('OPENCLAW_SSH_PRIVATE_KEY_B64 should be a private key');
    expect(warnings.join('\n')).not.toContain(Buffer.from('no key').toString('base64'));
    expect(warnings).toHaveLength(3);
  });
});

describe('a gateway that may use SSH', () => {
  let fixture: GatewayFixture;
  beforeAll(async () => {
    fixture = await GatewayFixture.create();
  });
  afterAll(() => fixture.close());

  it('says that SSH is not configured when it is the only way', async () => {
    const gateway = await fixture.start({ env: { OPENCLAW_EXECUTION_MODE: 'ssh' } });
    expect(await act(gateway, 'list_directory', { directory: fixture.root })).toEqual({
      status: 503,
      body: {
        status: 'error',
        action: 'list_directory',
        error: 'SSH tunnel mode is enabled but SSH executor is not configured.',
        outcome: 'not_executed',
      },
    });
    expect(await statusOf(gateway)).toEqual({
      agent_connected: false,
      ssh_fallback_enabled: false,
      ssh_fallback_healthy: false,
      ssh_fallback_target: null,
      execution_mode: 'ssh_tunnel',
      execution: 'SSH Tunnel Configured (unreachable)',
    });
  });

  it('prefers SSH to its own machine when both are there, even while the host is away', async () => {
    const gateway = await fixture.start({
      env: { OPENCLAW_SSH_FALLBACK_ENABLED: '1', OPENCLAW_SSH_USER: 'u', OPENCLAW_SSH_PORT: '1' },
    });
    writeFileSync(fixture.path('here'), 'x');
    expect(await act(gateway, 'file_read', { file: fixture.path('here') })).toMatchObject({
      status: 503,
      body: { outcome: 'not_executed' },
    });
    expect(await statusOf(gateway)).toMatchObject({
      ssh_fallback_enabled: true,
      ssh_fallback_healthy: false,
      ssh_fallback_target: 'u@127.0.0.1:1',
    });
  });
});
