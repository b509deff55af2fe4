export { AgentServer } from './agent-server.js';
export { type AgentsConfig, agentsConfig } from './agents.config.js';
