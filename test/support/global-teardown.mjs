export default async function globalTeardown() {
  const home = globalThis.__skynetTestHome;
  if (home === undefined) return;
  if (globalThis.__skynetTestTemplate !== undefined && home.keepsDatabases) {
    const { default: pg } = await import('pg');
    const admin = new pg.Client({ connectionString: home.adminUrl });
    await admin.connect();
    await admin.query(`drop database if exists ${globalThis.__skynetTestTemplate} with (force)`);
    await admin.end();
  }
  await home.close();
}
