export { throughActions } from './action-executor.js';
export { type ChatModels, type Skills } from './planner/chat-models.js';
export { Projects } from './projects.js';
