export { RuntimeModule, type RuntimeOptions } from './runtime.module.js';
export { CONFIG, LOGGER, REPLICA, TOPICS } from './tokens.js';
