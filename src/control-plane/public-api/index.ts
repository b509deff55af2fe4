export { installPublicAccess, installPublicCors } from './access.hook.js';
export { PublicAccess } from './access.service.js';
export { PublicApiModule } from './public-api.module.js';
