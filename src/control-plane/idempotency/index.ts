export { IdempotencyModule } from './idempotency.module.js';
export { idempotencyKeyOf, IdempotencyService, type Seed } from './idempotency.service.js';
export { installReplayHeader } from './replay-header.js';
