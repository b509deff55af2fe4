export { ActionRunner, type ActionRunnerOptions, type Background } from './action-runner.js';
export { type ActionsConfig, actionsConfig } from './actions.config.js';
export { type Answer, type Execution, type HaltReason } from './execution.js';
