const HEALTHY_WORKER = new Set(['online', 'healthy', 'running', 'busy']);
const USABLE_GATEWAY = new Set(['online', 'healthy']);

/** Whether a worker of this status is one that may still be working. */
export function isWorkerHealthy(status: string): boolean {
  return HEALTHY_WORKER.has(status.toLowerCase());
}

/** Whether tasks may be sent to a gateway of this status. */
export function isGatewayUsable(status: string): boolean {
  return USABLE_GATEWAY.has(status.toLowerCase());
}
