export { type ComponentName, components, type ComponentState, HealthRegistry } from './health-registry.js';
export { RuntimeModule, type RuntimeOptions } from './runtime.module.js';
export { CONFIG, LOGGER, REPLICA, TOPICS } from './tokens.js';
export { WokenLoop } from './woken-loop.js';
