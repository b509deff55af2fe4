export { ClusterModule } from './cluster.module.js';
export { StandbysInterceptor } from './standbys.interceptor.js';
export { Standbys } from './standbys.service.js';
