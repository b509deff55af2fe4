export { installAuth, installOperatorAuth, installSkyclawAuth } from './auth.hook.js';
export { AuthModule } from './auth.module.js';
export { type Caller, callerOf, identify, type KeyCaller } from './caller.js';
export { callerIdentity, hostTokenFrom, keyFrom, publicKeyFrom, secretHash } from './credentials.js';
export { type RunClaim, RunTokens, saysRunToken } from './run-tokens.js';
export { installSkyclawEnvelope, isPublicSkyclaw, isSkyclaw } from './skyclaw-routes.js';
