export { Heartbeats } from './heartbeats.js';
export { type HeartbeatsConfig, heartbeatsConfig } from './heartbeats.config.js';
export { HeartbeatsModule } from './heartbeats.module.js';
export { gatewayJobs } from './jobs.js';
