export { callerIdentity } from './credentials.js';
export { installAuth } from './auth.hook.js';
