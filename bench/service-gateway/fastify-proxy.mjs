// @fastify/http-proxy as its users run it. node fastify-proxy.mjs UPSTREAM_URL. Prints its port.
import proxy from '@fastify/http-proxy';
import fastify from 'fastify';

const server = fastify({ logger: false });
await server.register(proxy, { upstream: process.argv[2], prefix: '/v1/gateway/web' });
await server.listen({ host: '127.0.0.1', port: 0 });
console.log(server.server.address().port);
