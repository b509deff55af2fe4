import { type GatewayStatus } from '../../../contracts/gateway-api.js';

/** Who executes actions, in the words of `/agent_status`. */
export function agentStatusText(status: GatewayStatus): string {
  const isForced = status.execution_mode === 'ssh_tunnel';
  if (!isForced && status.agent_connected) return 'Execution: Worker Connected';
  if (!isForced && !status.ssh_fallback_enabled) return 'Execution: No worker and no SSH fallback';
  const state = status.ssh_fallback_healthy ? 'SSH Tunnel Ready' : 'SSH Tunnel Configured (unreachable)';
  return [
    `Execution: ${state}`,
    ...(isForced ? ['Mode: ssh_tunnel (forced)'] : []),
    `Target: ${status.ssh_fallback_target ?? 'unknown'}`,
  ].join('\n');
}
