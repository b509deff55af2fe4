import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { readTraceContext, type TraceContext, traceOfLine } from '../tracing/domain/trace-context.js';
import { type Span, type SpanAttributes, type Tracer } from '../tracing/tracer.js';
import { isOfApi, routeOf } from './route.decorator.js';

const spans = new WeakMap<FastifyRequest, Span>();

/** Gives every request to the API a span, below that of its caller; none where spans go nowhere. */
export function installTracing(server: FastifyInstance, tracer: Tracer): void {
  if (!tracer.isOn) return;
  server.addHook('onRequest', (request, reply, done) => {
    if (isOfApi(request)) {
      const span = startServerSpan(tracer, request, readTraceContext(request.headers));
      spans.set(request, span);
      // An answer that nobody waited for ends as well.
      reply.raw.once('close', () => endServerSpan(span, reply.statusCode));
    }
    done();
  });
}

/** A span for a request, named after its route and not after its path, which holds ids. */
export function startServerSpan(tracer: Tracer, request: FastifyRequest, parent: TraceContext | null): Span {
  const { method } = request;
  const route = routeOf(request);
  return tracer.start(`${method} ${route}`, {
    kind: 'server',
    parent,
    attributes: {
      'http.request.method': method,
      'http.route': route,
      'url.scheme': request.protocol,
      'url.path': request.url.split('?', 1)[0] ?? '',
      'skynet.request.id': request.id,
    },
  });
}

/** What the standard calls an error of a server: it could not answer. That a caller was refused is no error of ours. */
export function endServerSpan(span: Span, status: number): void {
  span.set({ 'http.response.status_code': status });
  span.end(status >= 500 ? `HTTP ${status}` : undefined);
}

/** The trace that a request belongs to, for what it leads to: below its span, or as its caller says. */
export function traceOf(request: FastifyRequest): TraceContext | null {
  return spans.get(request)?.context ?? readTraceContext(request.headers);
}

/** What a line of the log says of the request that it is about. */
export function lineOf(request: FastifyRequest): { readonly requestId: string; readonly traceId?: string } {
  return { requestId: request.id, ...traceOfLine(traceOf(request)) };
}

/** Adds to the span of a request, if it has one. */
export function noteOnSpan(request: FastifyRequest, attributes: SpanAttributes): void {
  spans.get(request)?.set(attributes);
}
