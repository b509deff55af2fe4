export { installAuth, installOperatorAuth, installSkyclawAuth } from './auth.hook.js';
export { type Caller, callerOf } from './caller.js';
export { callerIdentity, hostTokenFrom, publicKeyFrom, secretHash } from './credentials.js';
export { installSkyclawEnvelope, isPublicSkyclaw, isSkyclaw } from './skyclaw-routes.js';
