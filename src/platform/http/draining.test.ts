import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { Problem } from '../problems/problem.js';
import { drainOnClose } from './draining.js';

/** A server with one route that answers when it is told to. */
async function slowServer(graceMs: number) {
  const server: FastifyInstance = fastify({ return503OnClosing: false });
  drainOnClose(server, { graceMs });
  server.setErrorHandler((error, _request, reply) =>
    reply.status(503).send({ kind: error instanceof Problem ? error.kind : String(error) }),
  );
  let answer: () => void = () => undefined;
  let arrive: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  const closing = new Promise<void>((resolve) =>
    server.addHook('preClose', (done) => {
      resolve();
      done();
    }),
  );
  server.get('/slow', async () => {
    arrive();
    await new Promise<void>((resolve) => (answer = resolve));
    return 'done';
  });
  server.get('/fast', () => 'done');
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const get = (path: string) => http.get({ host: '127.0.0.1', port, path, agent });
  return { server, get, port, arrived, closing, answer: () => answer() };
}

it('lets a request end that was under way, and its connection with it', async () => {
  const { server, get, arrived, closing, answer } = await slowServer(60_000);
  const request = get('/slow');
  await arrived;
  const closed = server.close();
  await closing;
  answer();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.resume();
  expect([response.statusCode, response.headers['connection']]).toEqual([200, 'close']);
  await closed;
});

it('cuts off what takes longer than the grace', async () => {
  const { server, get, arrived } = await slowServer(20);
  const request = get('/slow');
  const error = once(request, 'error');
  await arrived;
  await server.close();
  expect((await error)[0]).toMatchObject({ code: 'ECONNRESET' });
});

it('tells who asks when it is closing already that it is leaving', async () => {
  const { server, get, port, closing } = await slowServer(60_000);
  const socket = net.connect(port, '127.0.0.1');
  socket.write('GET /fast HTTP/1.1\r\nHost: x\r\n');
  // The server has those bytes once it has answered somebody who came later.
  const [response] = (await once(get('/fast'), 'response')) as [http.IncomingMessage];
  response.resume();
  await once(response, 'end');
  const closed = server.close();
  await closing;
  socket.write('\r\n');
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  expect(answer).toMatch(/connection: close/i);
  expect(answer.endsWith('{"kind":"shutting-down"}')).toBe(true);
  await closed;
});
