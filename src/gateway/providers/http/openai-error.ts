import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { type FastifyReply } from 'fastify';
import { ProvidersError } from '../errors.js';

/** An error as OpenAI's API tells it. */
export interface OpenAiErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** A request that is answered with an OpenAI error object. */
export class OpenAiError extends Error {
  readonly param: string | null;
  readonly code: string | null;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly status: number,
    message: string,
    more: {
      readonly param?: string;
      readonly code?: string;
      readonly retryAfterSeconds?: number | undefined;
    } = {},
  ) {
    super(message);
    this.param = more.param ?? null;
    this.code = more.code ?? null;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}

/** The error object of a status, for errors that are told in other words elsewhere. */
export function openAiErrorBody(
  status: number,
  message: string,
  { param = null, code = null }: { readonly param?: string | null; readonly code?: string | null } = {},
): OpenAiErrorBody {
  return { error: { message, type: typeOf(status), param, code } };
}

function typeOf(status: number): string {
  switch (status) {
    case 401:
      return 'authentication_error';
    case 403:
      return 'permission_error';
    case 429:
      return 'rate_limit_error';
    case 503:
      return 'service_unavailable_error';
    default:
      return status < 500 ? 'invalid_request_error' : 'api_error';
  }
}

/** What a request without an answer is told. */
export function asOpenAiError(error: ProvidersError): OpenAiError {
  const { kind, message, lastStatus, retryAfterSeconds } = error;
  switch (kind) {
    case 'unknown-model':
      return new OpenAiError(404, message, { param: 'model', code: 'model_not_found' });
    case 'too-long':
      return new OpenAiError(400, message, { param: 'messages', code: 'context_length_exceeded' });
    case 'refused':
      return new OpenAiError(400, message, { code: 'refused_by_provider' });
    case 'unavailable':
      return new OpenAiError(503, message, { code: 'no_provider_available', retryAfterSeconds });
    case 'failed': {
      const status = lastStatus === 429 ? 429 : lastStatus === 'timeout' ? 504 : 502;
      return new OpenAiError(status, message, { code: 'all_providers_failed' });
    }
    case 'timeout':
      return new OpenAiError(504, message, { code: 'timeout' });
    case 'aborted':
      return new OpenAiError(503, message, { code: 'aborted' });
  }
}

/** Writes the errors of these routes as OpenAI error objects. */
@Catch(OpenAiError, ProvidersError)
export class OpenAiErrorFilter implements ExceptionFilter<OpenAiError | ProvidersError> {
  catch(error: OpenAiError | ProvidersError, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (reply.sent) return;
    const shown = error instanceof OpenAiError ? error : asOpenAiError(error);
    if (shown.retryAfterSeconds !== undefined)
      void reply.header('retry-after', String(shown.retryAfterSeconds));
    void reply
      .status(shown.status)
      .header('content-type', 'application/json; charset=utf-8')
      .send(openAiErrorBody(shown.status, shown.message, shown));
  }
}
