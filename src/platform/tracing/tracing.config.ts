import { type Env } from '../config/env.js';

/** Where spans go. */
export interface TracingConfig {
  /** Takes `POST`ed traces by OTLP over HTTP. */
  readonly url: string;
  /** Sent with every request. They hold secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: each program says which it is. */
  readonly serviceName: string | undefined;
  /** How many of the traces that begin here are recorded, from 0 to 1. */
  readonly sampledShare: number;
}

const WANTED_URL = 'an http(s) URL';
const WANTED_HEADERS = 'a comma list of name=value';

/** The names are OpenTelemetry's. Undefined when no address is set: then nothing is recorded. */
export function tracingConfig(env: Env): TracingConfig | undefined {
  const url =
    env.optional('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', WANTED_URL, httpUrl) ??
    env.optional('OTEL_EXPORTER_OTLP_ENDPOINT', WANTED_URL, (raw) => {
      const base = httpUrl(raw);
      return base === undefined ? undefined : `${base.replace(/\/+$/, '')}/v1/traces`;
    });
  const sampledShare = env.number('OTEL_TRACES_SAMPLER_ARG', { min: 0, max: 1 });
  const headers = env.optional('OTEL_EXPORTER_OTLP_HEADERS', WANTED_HEADERS, headersFrom) ?? {};
  if (url === undefined) return undefined;
  const serviceName = env.isSet('OTEL_SERVICE_NAME') ? env.text('OTEL_SERVICE_NAME') : undefined;
  return { url, headers, serviceName, sampledShare };
}

function httpUrl(raw: string): string | undefined {
  return URL.canParse(raw) && /^https?:$/.test(new URL(raw).protocol) ? raw : undefined;
}

/** Names and values as in the header `baggage`: values may be percent-encoded. */
function headersFrom(raw: string): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  for (const entry of raw.split(',').filter((part) => part.trim() !== '')) {
    const [, name, value] = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*([\x20-\x7e]*?)\s*$/.exec(entry) ?? [];
    if (name === undefined || value === undefined) return undefined;
    try {
      headers[name] = decodeURIComponent(value);
    } catch {
      return undefined;
    }
  }
  return headers;
}
