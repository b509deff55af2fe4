export { ActionRunner, type ActionRunnerOptions } from './action-runner.js';
export { type Answer, type Execution, type HaltReason } from './execution.js';
