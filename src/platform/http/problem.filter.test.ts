import { type ArgumentsHost, HttpException } from '@nestjs/common';
import { fastify, type FastifyInstance } from 'fastify';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { DatabaseUnavailableError } from '../database/errors.js';
import { JsonTextError } from '../json/json-text.js';
import { createLogger } from '../logging/logger.js';
import { Problem } from '../problems/problem.js';
import { type ProblemKind, problems } from '../problems/problems.js';
import { AllowedMethods } from './allowed-methods.js';
import { ProblemFilter } from './problem.filter.js';

let server: FastifyInstance;
let thrown: unknown;
beforeAll(() => {
  server = fastify({ genReqId: () => 'id-1' });
  const filter = new ProblemFilter(createLogger('test', 'silent'), new AllowedMethods(server));
  server.setErrorHandler((error, request, reply) => {
    const http = { getRequest: () => request, getResponse: () => reply };
    filter.catch(error, { switchToHttp: () => http } as unknown as ArgumentsHost);
    return reply;
  });
  const fail = () => {
    throw thrown;
  };
  server.get('/old', fail);
  server.get('/new', { config: { errors: 'problem' } as never }, fail);
});

async function answerTo(error: unknown, path = '/old', accept = '*/*') {
  thrown = error;
  const { statusCode: status, headers, body } = await server.inject({ url: path, headers: { accept } });
  return { status, headers, body: JSON.parse(body) as unknown };
}

describe('a problem', () => {
  it.each(Object.entries(problems))('%s keeps its status in both forms', async (kind, { status, title }) => {
    const problem = new Problem(kind as ProblemKind, 'Words.');
    const old = await answerTo(problem);
    expect(old).toMatchObject({ status, body: { detail: 'Words.' } });
    expect(old.headers['content-type']).toBe('application/json; charset=utf-8');
    const document = await answerTo(problem, '/new');
    expect(document.headers['content-type']).toContain('application/problem+json');
    expect(document).toMatchObject({
      status,
      body: {
        ...{ type: `urn:skynet:problem:${kind}`, title, status },
        ...{ detail: 'Words.', instance: 'urn:skynet:request:id-1' },
      },
    });
    expect(await answerTo(problem, '/old', 'text/html, application/problem+json')).toMatchObject({
      body: document.body,
    });
  });

  it('says when to come back', async () => {
    const { headers } = await answerTo(new Problem('rate-limited', 'x', { retryAfterSeconds: 7 }));
    expect(headers['retry-after']).toBe('7');
  });

  it('lists all that is wrong, as pointers in a document', async () => {
    const issue = (...loc: (string | number)[]) => ({
      type: 'missing',
      loc,
      msg: 'Field required',
      input: null,
    });
    const issues = [issue('body', 'a/b', 3), issue('body')];
    const problem = new Problem('invalid-request', 'x', { issues });
    expect((await answerTo(problem)).body).toEqual({ detail: issues });
    expect((await answerTo(problem, '/new')).body).toMatchObject({
      errors: [
        { pointer: '#/a~1b/3', in: 'body', detail: 'Field required' },
        { pointer: '#', in: 'body', detail: 'Field required' },
      ],
    });
  });
});

describe('what is no problem of ours', () => {
  it.each([
    [new JsonTextError('syntax', 'Unexpected token'), 422],
    [new DatabaseUnavailableError(new Error('secret')), 503],
    [new HttpException('secret', 404), 404],
    [new HttpException('secret', 418), 400],
    [Object.assign(new Error('secret'), { statusCode: 413 }), 413],
    [Object.assign(new Error('secret'), { statusCode: 415 }), 400],
    [Object.assign(new Error('secret'), { statusCode: 503 }), 500],
    [new Error('secret'), 500],
    [new TypeError('secret at secret.js:1'), 500],
  ])('%s becomes %i, and its words stay in the log', async (error, status) => {
    const answer = await answerTo(error);
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).not.toContain('secret');
    if (status === 500) expect(answer.body).toEqual({ detail: 'Internal Server Error', request_id: 'id-1' });
  });
});
