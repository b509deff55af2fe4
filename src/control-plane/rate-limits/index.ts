export { ClientRates } from './client-rates.service.js';
export { installRateLimit, tellRate } from './rate-limit.hook.js';
export { RateLimitsModule } from './rate-limits.module.js';
