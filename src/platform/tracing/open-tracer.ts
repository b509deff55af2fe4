import { type Logger } from '../logging/logger.js';
import { noTracer, type Tracer } from './tracer.js';
import { type TracingConfig } from './tracing.config.js';

/** The tracer that the settings ask for. Without an address nothing of OpenTelemetry is loaded. */
export async function openTracer(
  config: TracingConfig | undefined,
  program: { readonly program: string; readonly instance: string },
  logger: Logger,
): Promise<Tracer> {
  if (config === undefined) return noTracer;
  const { OtlpTracer } = await import('./otlp-tracer.js');
  return new OtlpTracer(config, program, logger);
}
