export { type AgentConfig, agentConfig, AgentConfigError } from './agent.config.js';
export { type AgentOptions, type RunningAgent, startAgent } from './main.js';
