import { type GatewayView } from './registry.dto.js';
import { type Gateway } from './gateways.queries.js';

/** A gateway as callers see it. */
export function gatewayView(gateway: Gateway): Pick<GatewayView, keyof GatewayView> {
  return {
    gateway_id: gateway.gatewayId,
    host: gateway.host,
    protocol: gateway.protocol,
    capabilities: [...gateway.capabilities],
    status: gateway.status,
    metadata: gateway.metadata,
    registered_at: gateway.registeredAt,
    last_heartbeat: gateway.lastHeartbeat,
    status_reason: gateway.statusReason,
    paused_at: gateway.pausedAt,
    pause_reason: gateway.pauseReason,
    version: gateway.version,
    slots: gateway.slots,
    load: gateway.load,
  };
}
