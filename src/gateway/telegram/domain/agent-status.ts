import { type GatewayStatus } from '../../../contracts/gateway-api.js';
import { executionWords } from '../../executors/domain/execution-words.js';

/** What `/agent_status` answers: who executes actions, and over SSH where. */
export function agentStatusText(status: GatewayStatus): string {
  const isForced = status.execution_mode === 'ssh_tunnel';
  const isThroughSsh = isForced || (!status.agent_connected && status.ssh_fallback_enabled);
  return [
    `Execution: ${executionWords(status)}`,
    ...(isForced ? ['Mode: ssh_tunnel (forced)'] : []),
    ...(isThroughSsh ? [`Target: ${status.ssh_fallback_target ?? 'unknown'}`] : []),
  ].join('\n');
}
