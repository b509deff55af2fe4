// Before all tests: builds what is stale, finds or starts a PostgreSQL, and migrates one template database.
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findHome } from './homes.mjs';

export default async function globalSetup() {
  const root = join(import.meta.dirname, '..', '..');
  const build = spawnSync(process.execPath, [join(root, 'scripts', 'build-if-needed.mjs')], {
    stdio: 'inherit',
  });
  if (build.status !== 0) throw new Error('The build failed; see above.');

  const home = await findHome(process.env, () => mkdtempSync(join(tmpdir(), 'skynet-test-')));
  globalThis.__skynetTestHome = home;
  console.error(`\nTests run on ${home.description}.`);

  const { default: pg } = await import('pg');
  const { connect, migrate } = await import('../../dist/platform/database/connect.js');
  const template = `skynet_test_template_${process.pid}`;
  const admin = new pg.Client({ connectionString: home.adminUrl });
  await admin.connect();
  await admin.query(`drop database if exists ${template}`);
  await admin.query(`create database ${template}`);
  await admin.end();
  const url = new URL(home.adminUrl);
  url.pathname = `/${template}`;
  for (const program of ['control-plane', 'gateway']) {
    const source = await connect({ url: url.href, applicationName: 'skynet-test', poolSize: 2, program });
    await migrate(source);
    await source.destroy();
  }
  globalThis.__skynetTestTemplate = template;
  process.env.SKYNET_TEST_ADMIN_URL = home.adminUrl;
  process.env.SKYNET_TEST_TEMPLATE = template;
}
