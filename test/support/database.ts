import { randomBytes } from 'node:crypto';
import pg from 'pg';

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined)
    throw new Error(`${name} is not set: run the tests through npm test or scripts/jest.mjs.`);
  return value;
}

async function asAdmin<T>(work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: required('SKYNET_TEST_ADMIN_URL') });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  readonly drop: () => Promise<void>;
}

/** A database of the test's own: a copy of the migrated template, or empty. */
export async function createTestDatabase(from: 'migrated' | 'empty' = 'migrated'): Promise<TestDatabase> {
  const name = `skynet_test_${randomBytes(6).toString('hex')}`;
  const template = from === 'migrated' ? required('SKYNET_TEST_TEMPLATE') : 'template0';
  await asAdmin(async (admin) => {
    for (let attempt = 1; ; attempt++) {
      try {
        await admin.query(`create database ${name} template ${template} strategy file_copy`);
        return;
      } catch (error) {
        // 55006: another worker is copying the template at this moment.
        if ((error as { code?: string }).code !== '55006' || attempt > 100) throw error;
      }
    }
  });
  const url = new URL(required('SKYNET_TEST_ADMIN_URL'));
  url.pathname = `/${name}`;
  return {
    url: url.href,
    name,
    drop: () =>
      asAdmin(async (admin) => {
        await admin.query(`drop database if exists ${name} with (force)`);
      }),
  };
}
