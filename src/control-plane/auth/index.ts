export { installAuth, installSkyclawAuth } from './auth.hook.js';
export { callerIdentity, hostTokenFrom, publicKeyFrom, secretHash, secretsEqual } from './credentials.js';
export { installSkyclawEnvelope, isSkyclaw } from './skyclaw-routes.js';
