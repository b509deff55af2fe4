export { startHost } from './main.js';
export { hostConfig, HostConfigError } from './host.config.js';
