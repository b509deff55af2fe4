import { type Variable } from './variable.js';

export const tracingVariables = {
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    group: 'tracing',
    about:
      'Base address of a collector that takes OTLP over HTTP, as http://collector:4318. Unset, with the next one: no spans are recorded.',
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    group: 'tracing',
    about: 'The whole address that spans are posted to, if it is not /v1/traces below the base.',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    group: 'tracing',
    about: 'Headers that go with them, as name=value, separated by commas.',
    secret: true,
  },
  OTEL_SERVICE_NAME: {
    group: 'tracing',
    about:
      'What the program is called in traces. Unset: skynet-control-plane, skynet-gateway or skynet-agent.',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    group: 'tracing',
    about: 'Share of the traces beginning here that is recorded, 0 to 1; callers decide about their own.',
    default: '1',
  },
} as const satisfies Record<string, Variable>;
