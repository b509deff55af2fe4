// The proxies, each a process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../lib/runtime.mjs';

const HERE = import.meta.dirname;
const PATH = '/v1/gateway/web/item?x=1';

/** @typedef {{ name: string, pid: number, port: number, path: string, stop(): Promise<void> }} Contender */

/** Node.js as our programs run it, for all that run on it. */
const NODE = [process.execPath, '--max-semi-space-size=64'];

/** A program that prints its port, or a URL, on its first line. */
export async function startProgram([command, ...args], env = {}) {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += chunk;
    const port = /(\d+)\s/.exec(said.replace(/^.*:(\d+)\n/s, '$1\n'));
    if (port !== null) return { child, port: Number(port[1]), stop: () => stop(child) };
  }
  throw new Error(`${[command, ...args].join(' ')} ended before it listened.`);
}

async function stop(child) {
  child.kill('SIGTERM');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** @returns {Promise<Contender>} */
async function ours(upstream) {
  const coordinator = http.createServer((_request, response) =>
    response.end(
      JSON.stringify({
        services: [
          {
            id: 'svc_1',
            name: 'web',
            status: 'running',
            assignments: [{ hostId: 'h', status: 'running', endpoint: upstream, generation: 1, restarts: 0 }],
          },
        ],
      }),
    ),
  );
  coordinator.listen(0, '127.0.0.1');
  await once(coordinator, 'listening');
  const program = await startProgram(
    [join(HERE, '..', '..', 'bin', 'skyclaw'), 'gateway', '--host', '127.0.0.1', '--port', '0'],
    {
      SKYCLAW_COORDINATOR_URL: `http://127.0.0.1:${coordinator.address().port}`,
      SKYNET_LOG_LEVEL: 'error',
    },
  );
  const end = async () => {
    await program.stop();
    coordinator.close();
    coordinator.closeAllConnections();
  };
  return { name: 'skyclaw gateway', pid: program.child.pid, port: program.port, path: PATH, stop: end };
}

/** @returns {Promise<Contender>} */
async function node(name, file, upstream) {
  const program = await startProgram([...NODE, join(HERE, file), upstream]);
  return { name, pid: program.child.pid, port: program.port, path: PATH, stop: program.stop };
}

/** One worker process, since the others have one thread. @returns {Promise<Contender | null>} */
async function nginx(upstream) {
  const binary = findProgram('nginx');
  if (binary === null) return null;
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'bench-nginx-'));
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log stderr crit;
     events { worker_connections 1024; }
     http {
       access_log off; keepalive_requests 1000000000;
       client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
       uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
       upstream web { server ${new URL(upstream).host}; keepalive 128; keepalive_requests 1000000000; }
       server {
         listen 127.0.0.1:${port};
         location /v1/gateway/web/ {
           proxy_pass http://web/; proxy_http_version 1.1; proxy_set_header Connection "";
           proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_buffering off;
         }
       }
     }`,
  );
  const child = spawn(binary, ['-c', join(folder, 'nginx.conf'), '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await untilOpen(port, child);
  const end = async () => {
    await stop(child);
    rmSync(folder, { recursive: true, force: true });
  };
  return { name: 'nginx', pid: child.pid, port, path: PATH, stop: end };
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function untilOpen(port, child) {
  while (child.exitCode === null) {
    const socket = net.connect(port, '127.0.0.1');
    const isOpen = await new Promise((done) =>
      socket.once('connect', () => done(true)).once('error', () => done(false)),
    );
    socket.destroy();
    if (isOpen) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error('nginx ended before it listened.');
}

/** All that can be had here, ours first. @returns {Promise<{ contenders: Contender[], missing: string[] }>} */
export async function startContenders(upstream) {
  const contenders = [
    await ours(upstream),
    await node('bare node:http + undici', 'bare-proxy.mjs', upstream),
    await node('@fastify/http-proxy', 'fastify-proxy.mjs', upstream),
  ];
  const reverse = await nginx(upstream);
  if (reverse === null)
    return { contenders, missing: ['nginx: no such program on the PATH (Debian: nginx-light)'] };
  return { contenders: [...contenders, reverse], missing: [] };
}
