export { ActionRunner, type ActionRunnerOptions } from './action-runner.js';
export { cutText } from './cut-text.js';
export { type Answer, type Execution, type HaltReason } from './execution.js';
export { refusalOfContent } from './file-actions.js';
export { KeyedLock } from './keyed-lock.js';
export {
  type Params,
  pathParams,
  refusalOfParams,
  refusalOfWanted,
  textParam,
  type Wanted,
} from './parameters.js';
export { Head } from './run-process.js';
