// BullMQ with a Redis of its own, whose append-only file is synced once a second.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Contender, NotThere } from '../lib/contender.mjs';
import { cpuMs } from '../lib/cpu.mjs';
import { findProgram, peerNode } from '../lib/runtime.mjs';

export class BullMq extends Contender {
  #redis;
  #folder;

  async start() {
    const program = findProgram('redis-server');
    if (program === null) throw new NotThere('skipped: no redis-server');
    const node = peerNode() ?? process.execPath;
    const port = await freePort();
    this.#folder = mkdtempSync(join(tmpdir(), 'skynet-bench-redis-'));
    const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', this.#folder, '--save', ''];
    this.#redis = spawn(program, [...settings, '--appendonly', 'yes', '--appendfsync', 'everysec'], {
      stdio: 'ignore',
    });
    while (!(await answers(port))) {
      if (this.#redis.exitCode !== null) throw new Error('redis-server does not start');
      await wait(20);
    }
    this.launch('bullmq.mjs', node);
    await this.call('connect', { port });
  }

  cpu() {
    const pid = this.#redis?.pid;
    return { ...super.cpu(), store: pid === undefined ? null : cpuMs(pid) };
  }

  async stop() {
    await super.stop();
    const redis = this.#redis;
    if (redis !== undefined && redis.exitCode === null) {
      const gone = new Promise((done) => redis.once('exit', done));
      redis.kill('SIGTERM');
      await gone;
    }
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}

function freePort() {
  return new Promise((done, fail) => {
    const server = net.createServer().once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

function answers(port) {
  return new Promise((done) => {
    const socket = net.connect(port, '127.0.0.1', () => done(true));
    socket.once('error', () => done(false)).once('connect', () => socket.destroy());
  });
}
