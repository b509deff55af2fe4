import { readFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { ask } from '../load/client.js';
import { CALLS } from '../load/load.js';
import { type World } from '../world/world.js';
import { type Scenario } from './scenario.js';
import { underLoad } from './under-load.js';

const READERS = 20;
const STALL_SECONDS = 3;
/** More than the sockets of one reader take in, so that the server is left with the rest. */
const TALES = 4_000;
const TALE = 'x'.repeat(1_900);
const LIMIT_MS = 60_000;
const MOST_GROWTH_MB = 300;

/** How many of its connections the listener of a port has not yet given up, told by the kernel. */
function connectionsOf(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const established = '01';
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => local.endsWith(`:${hex}`) && state === established).length;
}

async function fillTheLog(world: World): Promise<void> {
  const url = world.urls[1] ?? '';
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < TALES; index = next++) {
      const id = `tale-${index}`;
      const body = { task_id: id, project_id: CALLS, action: 'work', delivery: 'pull' };
      await ask(url, 'POST', '/v1/tasks/enqueue', {
        body: { ...body, required_capabilities: ['nobody-has-it'] },
      });
      await ask(url, 'POST', `/v1/tasks/${id}/cancel`, { body: { reason: TALE } });
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
}

/** Clients that ask for the whole log and never read: they are cut off, and cost the others nothing that lasts. */
export const silent: Scenario = {
  about: 'Clients of an event stream never read.',
  run: (stage) =>
    underLoad(stage, { env: { SKYNET_EVENT_STREAM_STALL_SECS: String(STALL_SECONDS) } }, async (world) => {
      await fillTheLog(world);
      const port = Number(new URL(world.urls[0] ?? '').port);
      const memory = () => world.of('replica')[0]?.residentMb() ?? 0;
      const before = { connections: connectionsOf(port), memory: memory() };
      const begun = performance.now();
      const sockets = Array.from({ length: READERS }, () => {
        const socket = net.connect(port, '127.0.0.1', () =>
          socket.write(
            'GET /v1/events/stream?after= HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n',
          ),
        );
        socket.on('error', () => undefined);
        return socket.pause();
      });
      await eventually('all have connected', () =>
        Promise.resolve(connectionsOf(port) >= before.connections + READERS / 2 ? true : undefined),
      );
      let peak = memory();
      await eventually(
        'they have been cut off',
        async () => {
          await wait(200);
          peak = Math.max(peak, memory());
          return connectionsOf(port) < READERS / 2 + before.connections ? true : undefined;
        },
        LIMIT_MS,
      );
      const cutMs = performance.now() - begun;
      const answer = await ask(world.urls[0] ?? '', 'GET', '/readyz').catch(() => ({ status: 'nothing' }));
      for (const socket of sockets) socket.destroy();
      const growthMb = peak - before.memory;
      return {
        numbers: {
          readers: READERS,
          'cut off after ms': Math.round(cutMs),
          'grown by MB': Math.round(growthMb),
        },
        faults: [
          ...(answer.status === 200 ? [] : [`/readyz was answered ${answer.status}.`]),
          ...(growthMb <= MOST_GROWTH_MB ? [] : [`The replica grew by ${Math.round(growthMb)} MB.`]),
        ],
      };
    }),
};
