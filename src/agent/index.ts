export { type AgentConfig, agentConfig } from './agent.config.js';
export { type AgentOptions, type RunningAgent, startAgent } from './main.js';
