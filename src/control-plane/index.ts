export { ConfigError, type ControlPlaneConfig, controlPlaneConfig } from './config.js';
export {
  type ControlPlaneOptions,
  createControlPlane,
  describeApi,
  openDatabase,
  type RunningControlPlane,
  startControlPlane,
} from './main.js';
