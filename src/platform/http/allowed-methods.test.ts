import { expect, it } from '@jest/globals';
import { fastify } from 'fastify';
import { AllowedMethods } from './allowed-methods.js';

it('knows the methods of literal paths, of those with names in them, and of no others', () => {
  const server = fastify();
  const methods = new AllowedMethods(server);
  const answer = () => 'x';
  server.get('/tasks', answer);
  server.post('/tasks/claim', answer);
  server.get('/tasks/:id', answer);
  server.route({ method: ['PUT', 'DELETE'], url: '/tasks/:id/note', handler: answer });
  server.options('*', answer);
  expect(methods.of('/tasks')).toEqual(['GET', 'HEAD']);
  expect(methods.of('/tasks/')).toEqual(['GET', 'HEAD']);
  expect(methods.of('/tasks/claim')).toEqual(['GET', 'HEAD', 'POST']);
  expect(methods.of('/tasks/x/note')).toEqual(['DELETE', 'PUT']);
  expect(methods.of('/tasks//note')).toEqual([]);
  expect(methods.of('/other')).toEqual([]);
});
