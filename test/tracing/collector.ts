import type http from 'node:http';
import { reply, StubServer } from '../support/stub-server.js';

/** A span as a collector sees it. */
export interface CollectedSpan {
  readonly service: string;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it began the trace. */
  readonly parentSpanId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly string[];
  /** 2: an error. */
  readonly status: number;
}

interface Value {
  readonly stringValue?: string;
  readonly intValue?: number;
  readonly boolValue?: boolean;
}
interface Attribute {
  readonly key: string;
  readonly value: Value;
}
interface Traces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly name: string;
        readonly kind: number;
        readonly traceId: string;
        readonly spanId: string;
        readonly parentSpanId?: string;
        readonly attributes: readonly Attribute[];
        readonly links?: readonly { readonly spanId: string }[];
        readonly status?: { readonly code?: number };
      }[];
    }[];
  }[];
}

/** A collector that takes OTLP over HTTP in JSON. */
export class StubCollector extends StubServer {
  readonly spans: CollectedSpan[] = [];
  readonly headers: http.IncomingHttpHeaders[] = [];
  /** Takes requests and never answers them. */
  hangs = false;
  /** What it answers. */
  status = 200;

  /** The settings of a program that sends its spans here. */
  get env(): Record<string, string> {
    return { OTEL_EXPORTER_OTLP_ENDPOINT: this.url, OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=k%20ey' };
  }

  named(name: string, service?: string): CollectedSpan[] {
    return this.spans.filter((span) => span.name === name && (service ?? span.service) === span.service);
  }

  protected serve(request: http.IncomingMessage, response: http.ServerResponse, body: string): Promise<void> {
    this.headers.push(request.headers);
    if (this.hangs) return Promise.resolve();
    if (request.url === '/v1/traces') this.spans.push(...spansIn(JSON.parse(body) as Traces));
    reply(response, this.status, {});
    return Promise.resolve();
  }
}

function spansIn({ resourceSpans }: Traces): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(attributesIn(resource.attributes)['service.name']);
    return scopeSpans
      .flatMap(({ spans }) => spans)
      .map(({ name, kind, traceId, spanId, parentSpanId = '', attributes, links = [], status }) => ({
        ...{ service, name, kind, traceId, spanId, parentSpanId },
        attributes: attributesIn(attributes),
        links: links.map((link) => link.spanId),
        status: status?.code ?? 0,
      }));
  });
}

const attributesIn = (list: readonly Attribute[]) =>
  Object.fromEntries(
    list.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? value.boolValue]),
  );
