import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { controlPlaneConfig } from '../../src/control-plane/index.js';
import { ConfigError } from '../../src/platform/config/config-error.js';
import { Env } from '../../src/platform/config/env.js';
import { type Variable, variables } from '../../src/platform/config/variables/index.js';

describe('the environment', () => {
  it('falls back to the default for what does not parse, and says so by name', () => {
    const env = new Env({
      SKYNET_PORT: 'eighty',
      SKYNET_CONTROL_SCHEDULER_ENABLED: 'maybe',
      SKYNET_REAPER_ON_UNHEALTHY: 'x',
    });
    expect(env.integer('SKYNET_PORT')).toBe(8_000);
    expect(env.flag('SKYNET_CONTROL_SCHEDULER_ENABLED')).toBe(true);
    expect(env.oneOf('SKYNET_REAPER_ON_UNHEALTHY', ['release', 'fail'])).toBe('release');
    expect(env.warnings).toHaveLength(3);
    expect(env.warnings.join()).not.toContain('eighty');
  });

  it('listens on loopback without a key, everywhere with one, and where it is told in any case', () => {
    const host = (source: Record<string, string>) => controlPlaneConfig(new Env(source)).http.host;
    expect(host({})).toBe('127.0.0.1');
    expect(host({ SKYNET_API_KEY: 'k' })).toBe('0.0.0.0');
    expect(host({ SKYNET_API_KEY: 'k', SKYNET_HOST: '10.0.0.1' })).toBe('10.0.0.1');
    expect(host({ SKYNET_HOST: '0.0.0.0' })).toBe('0.0.0.0');
  });

  it('protects the API unless the switch is plainly off', () => {
    const key = (value: string) =>
      controlPlaneConfig(new Env({ SKYNET_API_KEY: 'k', SKYNET_PROTECT_DIAGNOSTICS: value })).auth.apiKey;
    expect(['0', 'false', 'no', 'off', 'OFF'].map(key)).toEqual(Array(5).fill(undefined));
    expect(['1', '', 'nope', 'disabled'].map(key)).toEqual(Array(4).fill('k'));
    expect(() => controlPlaneConfig(new Env({ SKYNET_REQUIRE_AUTH: '1' }))).toThrow(ConfigError);
  });

  it('ignores proxies that are no addresses, instead of failing at the first request', () => {
    const env = new Env({ SKYNET_TRUSTED_PROXIES: '10.0.0.0/8, proxy, ::1, 300.1.1.1' });
    expect(controlPlaneConfig(env).http.trustedProxies).toEqual(['10.0.0.0/8', '::1']);
    expect(env.warnings).toEqual([
      'SKYNET_TRUSTED_PROXIES should be a list of addresses or CIDR ranges; 2 of its entries are ignored.',
    ]);
  });

  it('brings addresses of coordinators into their normal form, and leaves out what is none', () => {
    const env = new Env({
      SKYCLAW_COORDINATOR_PUBLIC_URL: ' HTTP://Me.example:80/ ',
      SKYCLAW_PEER_URLS: 'http://a.example/, nonsense, http://u:p@b.example',
    });
    expect(controlPlaneConfig(env).cluster).toEqual({
      publicUrl: 'http://me.example',
      peerUrls: ['http://a.example'],
      requiredStandbys: 0,
      commitWaitMs: 10_000,
    });
    expect(env.warnings).toEqual([
      'SKYCLAW_PEER_URLS should be a list of http(s) URLs without credentials; 2 of its entries are ignored.',
    ]);
    const wrong = new Env({ SKYCLAW_COORDINATOR_PUBLIC_URL: 'me', SKYCLAW_MIN_REPLICATIONS: '0' });
    expect(controlPlaneConfig(wrong).cluster).toMatchObject({ publicUrl: undefined, requiredStandbys: 0 });
    expect(wrong.warnings).toEqual([
      'SKYCLAW_COORDINATOR_PUBLIC_URL should be an http(s) URL without credentials; it is ignored.',
      'SKYCLAW_MIN_REPLICATIONS should be a whole number from 1 to 100; its default 1 is used.',
    ]);
  });

  it('is written down whole in .env.example', () => {
    expect(() =>
      execFileSync(process.execPath, ['scripts/env-example.mjs', '--check'], { stdio: 'pipe' }),
    ).not.toThrow();
  });

  it('reaches the programs of the compose file, setting by setting', () => {
    const compose = readFileSync('docker-compose.yml', 'utf8');
    // What the file decides itself, and what only a person at a terminal sets.
    const elsewhere = [
      ...['SKYNET_DATA_DIR', 'SKYNET_HOST'],
      ...['OPENCLAW_HTTP_HOST', 'OPENCLAW_HTTP_PORT', 'OPENCLAW_HTTP_ALLOW_UNAUTHENTICATED'],
      // The other names of settings that reach it.
      ...['SKYNET_WS_HOST', 'SKYNET_WS_PORT', 'OPENCLAW_AUTH_TOKEN'],
      ...['OPENCLAW_TLS_CERT', 'OPENCLAW_TLS_KEY', 'OPENCLAW_ALLOWED_ROOTS'],
    ];
    const missing = (Object.entries(variables) as [string, Variable][])
      // Those of databases name files that there are none of in here.
      .filter(([name, { ignored }]) => ignored === undefined || !name.endsWith('_DB_PATH'))
      .map(([name]) => name)
      .filter((name) => !new RegExp(`^ +${name}: `, 'm').test(compose));
    // An address and a port of the host machine, in front of those inside.
    const published = ['SKYCLAW_COORDINATOR_HOST', 'SKYCLAW_COORDINATOR_PORT'];
    for (const name of published) expect(compose).toMatch(new RegExp(`^ +- '.*\\$\\{${name}:-`, 'm'));
    expect(missing.filter((name) => !published.includes(name)).sort()).toEqual(elsewhere.sort());
  });
});
