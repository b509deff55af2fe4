// The three homes of the test database: a server that the environment names, a container, an embedded cluster.
import { rmSync } from 'node:fs';
import net from 'node:net';

/**
 * @typedef {{ description: string, adminUrl: string, keepsDatabases: boolean, close(): Promise<void> }} Home
 */

/** @returns {Promise<Home>} The first home that can be had; SKYNET_TEST_POSTGRES=url|docker|embedded chooses one. */
export async function findHome(env, makeFolder) {
  const wanted = env.SKYNET_TEST_POSTGRES;
  if (wanted === 'url' || (wanted === undefined && env.DATABASE_URL)) return urlHome(env.DATABASE_URL);
  if (wanted === 'docker') return dockerHome();
  const container = wanted === undefined ? await dockerHomeIfPossible(env) : undefined;
  return container ?? embeddedHome(makeFolder());
}

/** @returns {Promise<Home>} */
export async function urlHome(url) {
  if (!url) throw new Error('SKYNET_TEST_POSTGRES=url needs DATABASE_URL.');
  return {
    description: 'the PostgreSQL of DATABASE_URL',
    adminUrl: url,
    keepsDatabases: true,
    close: async () => {},
  };
}

/** Whether a Docker engine answers. Takes well under a second when there is none. */
function dockerAnswers(env) {
  const host = env.DOCKER_HOST ?? 'unix:///var/run/docker.sock';
  const target = host.startsWith('unix://') ? { path: host.slice('unix://'.length) } : tcpTarget(host);
  return new Promise((done) => {
    const socket = net.connect({ ...target, timeout: 800 });
    const finish = (answers) => {
      socket.destroy();
      done(answers);
    };
    socket.once('error', () => finish(false)).once('timeout', () => finish(false));
    socket.once('connect', () =>
      socket.write('GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n'),
    );
    socket.once('data', (chunk) => finish(chunk.toString().startsWith('HTTP/1.1 200')));
  });
}

function tcpTarget(host) {
  const { hostname, port } = new URL(host);
  return { host: hostname, port: Number(port || 2375) };
}

/** @returns {Promise<Home>} */
export async function dockerHome(image = process.env.SKYNET_TEST_POSTGRES_IMAGE ?? 'postgres:17-alpine') {
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
  const container = await new PostgreSqlContainer(image)
    .withCommand(['postgres', '-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'max_connections=200'])
    .start();
  return {
    description: `a container of ${image}`,
    adminUrl: container.getConnectionUri(),
    keepsDatabases: false,
    close: async () => {
      await container.stop();
    },
  };
}

/**
 * A container, if an engine answers and has or gets the image; otherwise undefined, and a line that says why.
 * @returns {Promise<Home | undefined>}
 */
export async function dockerHomeIfPossible(env) {
  if (!(await dockerAnswers(env))) return undefined;
  try {
    return await dockerHome();
  } catch (error) {
    console.error(`\nNo PostgreSQL in a container: ${error.message.trim()}`);
    return undefined;
  }
}

/** @returns {Promise<Home>} */
export async function embeddedHome(folder) {
  const { EmbeddedPostgres } = await import('../../dist/platform/embedded-postgres/index.js');
  const server = await EmbeddedPostgres.start({ dataDir: folder, durable: false });
  return {
    description: 'an embedded PostgreSQL',
    adminUrl: server.url,
    keepsDatabases: false,
    close: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
      if (server.dataDir !== folder) rmSync(server.dataDir, { recursive: true, force: true });
    },
  };
}
