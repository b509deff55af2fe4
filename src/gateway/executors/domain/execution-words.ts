import { type GatewayStatus } from '../../../contracts/gateway-api.js';

/** Who executes actions, in the words that `GET /status` and `/agent_status` share. */
export function executionWords(status: GatewayStatus): string {
  const isForced = status.execution_mode === 'ssh_tunnel';
  if (!isForced && status.agent_connected) return 'Worker Connected';
  if (!isForced && !status.ssh_fallback_enabled) return 'No worker and no SSH fallback';
  return status.ssh_fallback_healthy ? 'SSH Tunnel Ready' : 'SSH Tunnel Configured (unreachable)';
}
