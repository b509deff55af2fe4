export { startHost } from './main.js';
export { hostConfig } from './host.config.js';
