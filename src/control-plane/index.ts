export { type ControlPlaneConfig, controlPlaneConfig } from './config.js';
export { tryContinuity } from './events/index.js';
export { tryInvariants } from './ledger/index.js';
export {
  type ControlPlaneOptions,
  createControlPlane,
  openDatabase,
  type RunningControlPlane,
  startControlPlane,
} from './main.js';
