import {
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span as SdkSpan,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer as SdkTracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';
import { type Logger } from '../logging/logger.js';
import { productVersion } from '../product-version.js';
import { within } from '../within.js';
import { idsOf, type TraceContext, traceparentOf } from './domain/trace-context.js';
import { type Span, type SpanAttributes, type SpanOptions, Tracer } from './tracer.js';
import { type TracingConfig } from './tracing.config.js';

/** Spans that wait for their turn at most; what comes when there are so many is left out. */
const MAX_WAITING = 2_048;
const MAX_BATCH = 512;
const SEND_EVERY_MS = 2_000;
/** How long one request to the collector may take, its repetitions included. */
const SEND_WITHIN_MS = 5_000;
/** How long a shutdown waits for the last spans. */
const CLOSE_WITHIN_MS = 2_000;
/** What is kept of one text. */
const MAX_TEXT = 1_024;

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const;

/** Who the spans are from. */
export interface TracedProgram {
  /** `control-plane`, `gateway`, `agent`. */
  readonly program: string;
  /** Names this process among others of its kind. */
  readonly instance: string;
}

/** Sends spans to a collector, in batches and beside the work. A collector that is down costs spans, and nothing else. */
export class OtlpTracer extends Tracer {
  readonly isOn = true;
  private readonly provider: BasicTracerProvider;
  private readonly tracer: SdkTracer;
  private closing: Promise<void> | undefined;

  constructor(
    { url, headers, serviceName, sampledShare }: TracingConfig,
    { program, instance }: TracedProgram,
    logger: Logger,
  ) {
    super();
    const exporter = new OTLPTraceExporter({ url, headers, timeoutMillis: SEND_WITHIN_MS });
    this.provider = new BasicTracerProvider({
      resource: resourceFromAttributes({
        'service.name': serviceName ?? `skynet-${program}`,
        'service.version': productVersion,
        'service.instance.id': instance,
      }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampledShare) }),
      spanLimits: { attributeValueLengthLimit: MAX_TEXT },
      spanProcessors: [
        new BatchSpanProcessor(tellingTrouble(exporter, logger), {
          maxQueueSize: MAX_WAITING,
          maxExportBatchSize: MAX_BATCH,
          scheduledDelayMillis: SEND_EVERY_MS,
          exportTimeoutMillis: SEND_WITHIN_MS,
        }),
      ],
    });
    this.tracer = this.provider.getTracer('skynet', productVersion);
  }

  start(name: string, { kind = 'internal', parent, link, attributes, beganAtMs }: SpanOptions = {}): Span {
    const options = {
      kind: KINDS[kind],
      ...(attributes === undefined ? {} : { attributes: { ...attributes } }),
      ...(link === undefined || link === null ? {} : { links: [{ context: spanContextOf(link) }] }),
      ...(beganAtMs === undefined ? {} : { startTime: beganAtMs }),
    };
    return new OtlpSpan(this.tracer.startSpan(name, options, contextOf(parent ?? null)));
  }

  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async end(): Promise<void> {
    // What could not be sent has been told when it failed.
    await within(
      CLOSE_WITHIN_MS,
      this.provider.shutdown().catch(() => undefined),
    );
  }
}

class OtlpSpan implements Span {
  readonly context: TraceContext;

  constructor(private readonly span: SdkSpan) {
    const { traceId, spanId, traceFlags, traceState } = span.spanContext();
    const state = traceState?.serialize() ?? '';
    this.context = {
      traceparent: traceparentOf({ traceId, spanId, flags: traceFlags }),
      tracestate: state === '' ? null : state,
    };
  }

  set(attributes: SpanAttributes): void {
    this.span.setAttributes({ ...attributes });
  }

  end(error?: string): void {
    if (error !== undefined) {
      this.span.setStatus({ code: SpanStatusCode.ERROR, message: error.slice(0, MAX_TEXT) });
    }
    this.span.end();
  }
}

function contextOf(parent: TraceContext | null): Context {
  return parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent));
}

function spanContextOf(context: TraceContext): SpanContext {
  const { traceId, spanId, flags } = idsOf(context);
  const { tracestate } = context;
  return {
    ...{ traceId, spanId, traceFlags: flags, isRemote: true },
    ...(tracestate === null ? {} : { traceState: createTraceState(tracestate) }),
  };
}

/** Says in the log when spans begin to be lost, and when they no longer are: once each, however many there are. */
function tellingTrouble(exporter: SpanExporter, logger: Logger): SpanExporter {
  let isDown = false;
  return {
    export: (spans, done) => {
      exporter.export(spans, (result) => {
        const failed = result.error !== undefined;
        if (failed && !isDown) logger.warn({ err: result.error }, 'Spans cannot be sent; they are left out.');
        if (!failed && isDown) logger.info('Spans are sent again.');
        isDown = failed;
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}
