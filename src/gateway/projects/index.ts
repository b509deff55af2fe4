export { throughActions } from './action-executor.js';
export { Projects } from './projects.js';
