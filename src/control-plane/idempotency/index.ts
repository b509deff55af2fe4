export { IdempotencyModule } from './idempotency.module.js';
export { IdempotencyService, type Seed } from './idempotency.service.js';
export { installReplayHeader } from './replay-header.js';
