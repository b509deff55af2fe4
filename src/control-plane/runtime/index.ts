export { ApplicationLoop } from './application-loop.js';
export { type ComponentName, components, type ComponentState, HealthRegistry } from './health-registry.js';
export { LastUseLoop } from './last-use.loop.js';
export { RuntimeModule, type RuntimeOptions } from './runtime.module.js';
export { CONFIG, LOGGER, REPLICA, TOPICS } from './tokens.js';
export { Waiting } from './waiting.js';
export { WokenLoop } from './woken-loop.js';
