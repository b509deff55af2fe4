export { callerIdentity, keyFrom, secretsEqual } from './credentials.js';
export { installAuth } from './auth.hook.js';
