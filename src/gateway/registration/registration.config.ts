import { type Env } from '../../platform/config/env.js';

export interface RegistrationConfig {
  /** Without a slash at its end. */
  readonly controlPlaneUrl: string;
  readonly apiKey: string | undefined;
  /** Undefined: made of the machine's name and the port. */
  readonly gatewayId: string | undefined;
  /** Where the control plane reaches this gateway. Undefined: where it listens. */
  readonly publicUrl: string | undefined;
  /** How many tasks the gateway wants at once. */
  readonly slots: number;
  readonly heartbeatMs: number;
}

const isHttpUrl = (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
const urlOf = (raw: string) => (isHttpUrl(raw) ? raw.trim().replace(/\/+$/, '') : undefined);
const WANTED = 'an address like http://10.0.0.7:8766';

/** Undefined when SKYNET_ORCHESTRATOR_URL is not set: its default is for those who call, and nobody is told of the gateway. */
export function registrationConfig(env: Env): RegistrationConfig | undefined {
  const controlPlaneUrl = env.optional('SKYNET_ORCHESTRATOR_URL', WANTED, urlOf);
  if (controlPlaneUrl === undefined) return undefined;
  return {
    controlPlaneUrl,
    apiKey: env.isSet('SKYNET_API_KEY') ? env.text('SKYNET_API_KEY') : undefined,
    gatewayId: env.optional('SKYNET_GATEWAY_ID', 'a text of at most 200 characters', (raw) =>
      raw.length <= 200 ? raw : undefined,
    ),
    publicUrl: env.optional('SKYNET_GATEWAY_PUBLIC_URL', WANTED, urlOf),
    slots: env.integer('SKYNET_GATEWAY_SLOTS', { min: 1, max: 1_000 }),
    heartbeatMs: env.number('SKYNET_GATEWAY_HEARTBEAT_SECS', { min: 0.05, max: 86_400 }) * 1_000,
  };
}
