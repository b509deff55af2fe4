// Starts or attaches to the embedded PostgreSQL in argv[2], says where it is, and stays until its stdin ends.
import { EmbeddedPostgres } from '../../dist/platform/embedded-postgres/index.js';

const server = await EmbeddedPostgres.start({
  dataDir: process.argv[2],
  durable: false,
  say: (line) => console.error(line),
});
console.log(server.url);
process.stdin.resume();
process.stdin.on('end', async () => {
  console.log(await server.stop());
  process.exit(0);
});
