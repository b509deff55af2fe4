export { byLoadThenRest, type Candidate } from './domain/choose-gateway.js';
export { RoutingModule } from './routing.module.js';
export { RoutingService } from './routing.service.js';
