export { type ControlPlaneConfig, controlPlaneConfig } from './config.js';
export {
  type ControlPlaneOptions,
  createControlPlane,
  openDatabase,
  type RunningControlPlane,
  startControlPlane,
} from './main.js';
