export { ActionRunner, type ActionRunnerOptions, type Background } from './action-runner.js';
export { type ActionsConfig, actionsConfig } from './actions.config.js';
export { clineSettings } from './coding-agents/cline-settings.js';
export { cutText } from './cut-text.js';
export { type Answer, type Execution, type HaltReason } from './execution.js';
export { KeyedLock } from './keyed-lock.js';
export { type Params, pathParams, textParam } from './parameters.js';
export { KeptOutput } from './processes/kept-output.js';
export { refusalOfRequest, refusalOfTier, wantsConfirmation } from './refusal-of-request.js';
