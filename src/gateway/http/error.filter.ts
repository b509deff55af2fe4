import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type ActionFailure } from '../../contracts/gateway-api.js';
import { DatabaseUnavailableError } from '../../platform/database/errors.js';
import { type AllowedMethods } from '../../platform/http/allowed-methods.js';
import { traitsOf } from '../../platform/http/route.decorator.js';
import { JsonTextError } from '../../platform/json/json-text.js';
import { sendProblem } from '../../platform/http/send-problem.js';
import { lineOf } from '../../platform/http/request-tracing.js';
import { type Logger } from '../../platform/logging/logger.js';
import { Problem } from '../../platform/problems/problem.js';
import { openAiErrorBody } from '../providers/index.js';
import { HttpRefusal } from './http-refusal.js';

interface Shown {
  readonly status: number;
  readonly body: ActionFailure;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Writes every error as `{"error": text}`. What is not expected is told to the log only. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(
    private readonly logger: Logger,
    private readonly allowedMethods: AllowedMethods,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (reply.sent) return;
    if (error instanceof Problem) {
      sendProblem(request, reply, error);
      return;
    }
    const { status, body, headers = {} } = this.shown(error, request);
    if (status === 500) this.logger.error({ err: error, ...lineOf(request) }, 'A request failed.');
    void reply
      .status(status)
      .headers({ ...headers, 'content-type': 'application/json; charset=utf-8' })
      .send(traitsOf(request).errors === 'openai' ? openAiErrorBody(status, body.error) : body);
  }

  private shown(error: unknown, request: FastifyRequest): Shown {
    if (error instanceof HttpRefusal) return { status: error.status, body: { error: error.message } };
    if (error instanceof JsonTextError) return { status: 400, body: { error: 'Invalid JSON body.' } };
    if (error instanceof DatabaseUnavailableError)
      return { status: 503, body: { error: 'The gateway has no database.' } };
    const status = statusOf(error);
    if (status === 404) {
      const allowed = this.allowedMethods.of(request.url.split('?', 1)[0] ?? '');
      return allowed.length === 0
        ? { status: 404, body: { error: 'not found' } }
        : { status: 405, body: { error: 'method not allowed' }, headers: { allow: allowed.join(', ') } };
    }
    if (status === 413) return { status: 413, body: { error: 'Request body too large.' } };
    if (status !== undefined && status < 500) return { status: 400, body: { error: 'Bad request.' } };
    return { status: 500, body: { error: `Internal error. Request id: ${request.id}` } };
  }
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const status =
    typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}
