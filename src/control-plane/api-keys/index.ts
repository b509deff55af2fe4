export { installApiKeys } from './access.hook.js';
export { ApiKeyAccess } from './access.service.js';
export { ApiKeysModule } from './api-keys.module.js';
