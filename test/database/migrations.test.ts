import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';

/**
 * Merged before there was this rule, and never edited. They make tables that nobody uses yet, or replace functions; those
 * that change a table of the gateway add a column without a default.
 */
const BEFORE_THE_RULE = new Set([
  'control-plane/1763700000000_ledger__foundation.sql',
  'control-plane/1763700000001_events__foundation.sql',
  'control-plane/1763700100000_registry__foundation.sql',
  'control-plane/1763700200000_idempotency__foundation.sql',
  'control-plane/1763726000000_ledger__no_jit.sql',
  'control-plane/1763730000000_schedules__foundation.sql',
  'control-plane/1763741000000_ledger__pauses.sql',
  'control-plane/1763750000000_registry__hosts.sql',
  'control-plane/1763752000000_services__foundation.sql',
  'control-plane/1763753000000_public_api__foundation.sql',
  'control-plane/1763754000000_cluster__foundation.sql',
  'control-plane/1763755000000_logs__output.sql',
  'gateway/1763700000000_gateway__foundation.sql',
  'gateway/1763708400000_executions__abandoned.sql',
  'gateway/1763756000000_executions__executor.sql',
  'gateway/1763756100000_providers__foundation.sql',
  'gateway/1763757000000_profiles__foundation.sql',
  'gateway/1763760000000_projects__foundation.sql',
  'gateway/1763760000000_ssh_host_keys__foundation.sql',
  'gateway/1763765000000_sentinel__foundation.sql',
  'gateway/1763765100000_heartbeats__foundation.sql',
]);

const LONGEST_SECONDS = 5;
const migrations = ['control-plane', 'gateway'].flatMap((program) =>
  readdirSync(`migrations/${program}`).map((file) => `${program}/${file}`),
);
const statements = (file: string) =>
  readFileSync(`migrations/${file}`, 'utf8')
    .replaceAll(/--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');

it('every migration gives up soon when it has to wait for a lock, and says so before anything else that locks', () => {
  const without = migrations
    .filter((file) => !BEFORE_THE_RULE.has(file))
    .filter((file) => {
      const all = statements(file);
      const limit = all.findIndex((statement) => /^set local lock_timeout = '\d+m?s'$/.test(statement));
      if (limit < 0) return true;
      const [, number = '', unit] = /'(\d+)(m?s)'/.exec(all[limit] ?? '') ?? [];
      const seconds = unit === 's' ? Number(number) : Number(number) / 1_000;
      const locksBefore = all
        .slice(0, limit)
        .some((statement) => !/^(set local|create (or replace )?function)\b/.test(statement));
      return seconds === 0 || seconds > LONGEST_SECONDS || locksBefore;
    });
  expect(without).toEqual([]);
});

it('those before the rule are there still, and none of them changes a table of the ledger in use', () => {
  expect([...BEFORE_THE_RULE].filter((file) => !migrations.includes(file))).toEqual([]);
});
