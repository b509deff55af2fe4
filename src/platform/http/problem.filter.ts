import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { DatabaseUnavailableError } from '../database/errors.js';
import { type Logger } from '../logging/logger.js';
import { Problem } from '../problems/problem.js';
import { type AllowedMethods } from './allowed-methods.js';
import { JsonTextError } from '../json/json-text.js';
import { lineOf } from './request-tracing.js';
import { routeOf } from './route.decorator.js';
import { sendProblem } from './send-problem.js';

const DATABASE_RETRY_SECONDS = 1;

/**
 * Answers every error that leaves a handler, a pipe, a hook or the router. What is not a {@link Problem} is told to the
 * log with its request id, and to the caller as a bare 500 with the same id.
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
    if (problem.kind === 'internal') {
      this.logger.error({ err: error, ...lineOf(request), route: routeOf(request) }, 'A request failed.');
    }
    sendProblem(request, reply, problem);
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
