export { type RegistrationConfig, registrationConfig } from './registration.config.js';
export { RegistrationLoop } from './registration.loop.js';
