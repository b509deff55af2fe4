export { databaseCheck, queueCheck, storageCheck, workerCheck } from './checks.js';
export { Sentinel } from './sentinel.js';
export { type SentinelConfig, sentinelConfig } from './sentinel.config.js';
export { SentinelModule } from './sentinel.module.js';
