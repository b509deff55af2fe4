import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually } from '../support/eventually.js';
import { Program } from '../support/program.js';
import { begin, bodyOf, GatewayFixture, send, web } from './fixture.js';

const MIB = 1_048_576;
const SIZE = 100 * MIB;

let fixture: GatewayFixture;
const programs: Program[] = [];
beforeEach(async () => (fixture = await GatewayFixture.create()));
afterEach(async () => {
  await Promise.all(programs.splice(0).map((program) => program.kill('SIGKILL')));
  await fixture.close();
});

async function startProgram(
  env: Record<string, string> = {},
  args: readonly string[] = ['--port', '0'],
): Promise<{ program: Program; url: string }> {
  const program = Program.start('skyclaw', ['gateway', '--host', '127.0.0.1', ...args], {
    SKYCLAW_COORDINATOR_URL: fixture.coordinator.url,
    ...env,
  });
  programs.push(program);
  return { program, url: await program.line(/SkyClaw service gateway: (http:\/\/127\.0\.0\.1:\d+)\n/) };
}

/** Resident memory in MiB; of a process that runs. */
const memoryMib = ({ child }: Program) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1_024;

/** Runs `work` and returns by how much memory grew at most meanwhile. */
async function growthMib(program: Program, work: () => Promise<unknown>): Promise<number> {
  const before = memoryMib(program);
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, memoryMib(program))), 10);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return most - before;
}

/** So many bytes, made as they are asked for. */
function zeros(size: number): Readable {
  const piece = Buffer.alloc(65_536);
  let left = size;
  return new Readable({
    read() {
      if (left === 0) return void this.push(null);
      const part = piece.subarray(0, Math.min(left, piece.length));
      left -= part.length;
      this.push(part);
    },
  });
}

describe('100 MiB', () => {
  it('go up and down, quickly or slowly, in memory that does not grow with them', async () => {
    let received = 0;
    const upstream = await fixture.upstream((request, response) => {
      if (request.method === 'GET') {
        void pipeline(zeros(SIZE), response).catch(() => undefined);
        return;
      }
      request
        .on('data', (chunk: Buffer) => (received += chunk.length))
        .on('end', () => response.end('received'));
    });
    fixture.coordinator.list([web([upstream.url])]);
    const { program, url } = await startProgram();
    // What is compiled and kept on first use is not the body's.
    await send(`${url}/v1/gateway/web`, { method: 'POST', body: zeros(10 * MIB) });
    await pipeline(
      await begin(`${url}/v1/gateway/web`),
      new Writable({ write: (_chunk, _encoding, done) => done() }),
    );
    received = 0;
    const up = await growthMib(program, () =>
      send(`${url}/v1/gateway/web`, { method: 'POST', body: zeros(SIZE) }),
    );
    let taken = 0;
    const down = await growthMib(program, async () => {
      const slow = new Writable({
        highWaterMark: 1_048_576,
        write(chunk: Buffer, _encoding, done) {
          taken += chunk.length;
          setImmediate(done);
        },
      });
      await pipeline(await begin(`${url}/v1/gateway/web`), slow);
    });
    expect([received, taken]).toEqual([SIZE, SIZE]);
    expect([up, down].every((mib) => mib < 40)).toBe(true);
  });

  it('wait at the service while the caller takes nothing', async () => {
    let sent = 0;
    const upstream = await fixture.upstream((_request, response) => {
      const body = zeros(SIZE).on('data', (chunk: Buffer) => (sent += chunk.length));
      void pipeline(body, response).catch(() => undefined);
    });
    fixture.coordinator.list([web([upstream.url])]);
    const { program, url } = await startProgram();
    const answer = await begin(`${url}/v1/gateway/web`);
    let before = -1;
    const growth = await growthMib(program, () =>
      eventually('nothing more is sent', async () => {
        await send(`${url}/health`);
        const isStill = sent === before;
        before = sent;
        return isStill ? true : undefined;
      }),
    );
    expect(sent).toBeLessThan(SIZE / 2);
    expect(growth).toBeLessThan(40);
    answer.destroy();
  });
});

describe('skyclaw gateway', () => {
  it('starts without a coordinator, says so, and finds it later', async () => {
    await fixture.coordinator.close();
    const { program, url } = await startProgram({ SKYCLAW_GATEWAY_REFRESH_MS: '50' });
    await program.line(/(has not given its list of services yet)/);
    expect((await send(`${url}/v1/gateway/web`)).status).toBe(503);
    const upstream = await fixture.upstream((_request, response) => response.end('found'));
    fixture.coordinator.list([web([upstream.url])]);
    await fixture.coordinator.open();
    await eventually('the service is found', async () =>
      (await send(`${url}/v1/gateway/web`)).status === 200 ? true : undefined,
    );
    expect(program.stderr).toContain('No coordinator answers');
    expect(program.stderr).toContain('SKYCLAW_GATEWAY_TOKEN is not set');
    expect(program.stderr).not.toContain('"level":"error"');
  });

  it('says by name and number what a wrong token, a taken port or a typo is', async () => {
    fixture.coordinator.failWith = 401;
    const { program } = await startProgram({ SKYCLAW_TOKEN: 'hunter2' });
    await eventually('it says why', () =>
      Promise.resolve(program.stderr.includes('Set SKYCLAW_TOKEN to the coordinator') ? true : undefined),
    );
    expect(program.stderr).not.toContain('hunter2');
    const { port } = new URL(fixture.coordinator.url);
    const taken = Program.start('skyclaw', ['gateway', '--host', '127.0.0.1', '--port', port]);
    expect([await taken.exit(), taken.stderr.includes(`Port ${port} is in use.`)]).toEqual([1, true]);
    const typo = Program.start('skyclaw', ['gateway', '--prot', '1']);
    expect([await typo.exit(), typo.stderr.includes('Did you mean --port?')]).toEqual([1, true]);
  });

  it('at SIGTERM takes nothing new, ends what it has begun, then its WebSockets, and exits with 0', async () => {
    let finish: (() => void) | undefined;
    const upstream = await fixture.upstream((_request, response) => {
      response.write('to ');
      finish = () => response.end('the end');
    });
    new WebSocketServer({ server: upstream.server }).on('connection', () => undefined);
    fixture.coordinator.list([web([upstream.url])]);
    const { program, url } = await startProgram();
    const socket = new WebSocket(`${url.replace('http:', 'ws:')}/v1/gateway/web`);
    await once(socket, 'open');
    const agent = new http.Agent({ keepAlive: true });
    http.get(`${url}/health`, { agent }, (response) => response.resume());
    const answer = await begin(`${url}/v1/gateway/web`);
    program.child.kill('SIGTERM');
    await eventually('new connections are refused', async () => {
      const probe = net.connect(Number(new URL(url).port), '127.0.0.1');
      const isOpen = await new Promise((done) => {
        probe.once('connect', () => done(true));
        probe.once('error', () => done(false));
      });
      probe.destroy();
      return isOpen === false ? true : undefined;
    });
    expect(socket.readyState).toBe(WebSocket.OPEN);
    finish?.();
    expect((await bodyOf(answer)).toString()).toBe('to the end');
    expect(await program.exit()).toBe(0);
    if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close');
    agent.destroy();
  });
});
