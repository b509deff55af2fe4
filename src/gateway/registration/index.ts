export { defaultGatewayId } from './domain/identity.js';
export { type RegistrationConfig, registrationConfig } from './registration.config.js';
export { RegistrationLoop } from './registration.loop.js';
