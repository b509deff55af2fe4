import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { DatabaseUnavailableError } from '../database/errors.js';
import { type Logger } from '../logging/logger.js';
import { Problem } from '../problems/problem.js';
import { problems } from '../problems/problems.js';
import { type AllowedMethods } from './allowed-methods.js';
import { JsonTextError } from '../json/json-text.js';
import { traitsOf } from './route.decorator.js';

const DATABASE_RETRY_SECONDS = 1;

/**
 * Writes every error that leaves a handler, a pipe, a hook or the router. Routes that old clients know answer
 * `{"detail": …}`; new ones, and any that is asked for it by `Accept`, an RFC 9457 document. What is not a
 * {@link Problem} is told to the log with its request id, and to the caller as a bare 500 with the same id.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly logger: Logger,
    private readonly allowedMethods: AllowedMethods,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (reply.sent) return;
    const problem = this.problemOf(error, request, reply);
    const { status, title } = problems[problem.kind];
    if (problem.kind === 'internal') {
      this.logger.error(
        { err: error, requestId: request.id, url: request.routeOptions.url },
        'A request failed.',
      );
    }
    if (problem.retryAfterSeconds !== undefined) void reply.header('retry-after', problem.retryAfterSeconds);
    if (wantsDocument(request)) {
      void reply
        .status(status)
        .header('content-type', 'application/problem+json')
        .send({
          type: `urn:skynet:problem:${problem.kind}`,
          title,
          status,
          detail: problem.detail,
          instance: `urn:skynet:request:${request.id}`,
          ...(problem.issues === undefined ? {} : { errors: problem.issues.map(documentError) }),
        });
      return;
    }
    void reply
      .status(status)
      .header('content-type', 'application/json; charset=utf-8')
      .send({
        detail: problem.issues ?? problem.detail,
        ...(problem.kind === 'internal' ? { request_id: request.id } : {}),
      });
  }

  private problemOf(error: unknown, request: FastifyRequest, reply: FastifyReply): Problem {
    if (error instanceof Problem) return error;
    if (error instanceof JsonTextError) return notJson(error);
    if (error instanceof DatabaseUnavailableError) {
      const detail = 'The database is not available; try again.';
      return new Problem('database-unavailable', detail, { retryAfterSeconds: DATABASE_RETRY_SECONDS });
    }
    const status = statusOf(error);
    if (status === 404) return this.unknownPath(request, reply);
    if (status === 413) return new Problem('body-too-large', 'Request body too large');
    if (status === 503) return new Problem('shutting-down', 'This replica is shutting down; try another.');
    if (status !== undefined && status < 500)
      return new Problem('bad-request', 'Bad Request', { cause: error });
    return new Problem('internal', 'Internal Server Error', { cause: error });
  }

  private unknownPath(request: FastifyRequest, reply: FastifyReply): Problem {
    const allowed = this.allowedMethods.of(request.url.split('?', 1)[0] ?? '');
    if (allowed.length === 0 || allowed.includes(request.method))
      return new Problem('not-found', 'Not Found');
    void reply.header('allow', allowed.join(', '));
    return new Problem('method-not-allowed', 'Method Not Allowed');
  }
}

function wantsDocument(request: FastifyRequest): boolean {
  return (
    traitsOf(request).errors === 'problem' ||
    (request.headers.accept ?? '').includes('application/problem+json')
  );
}

function documentError({ loc, msg }: { loc: readonly (string | number)[]; msg: string }): object {
  return { pointer: `#/${loc.slice(1).join('/')}`, in: loc[0], detail: msg };
}

function notJson({ reason, message }: JsonTextError): Problem {
  const type = reason === 'syntax' ? 'json_invalid' : 'value_error';
  const msg = reason === 'syntax' ? 'JSON decode error' : message;
  return new Problem('invalid-request', msg, { issues: [{ type, loc: ['body'], msg, input: {} }] });
}

/** The status that Nest or Fastify gave an error of theirs. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const status =
    typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}
