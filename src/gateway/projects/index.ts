export { throughActions } from './action-executor.js';
export { gitApproval } from './git-approval.js';
export { projectView } from './project-view.js';
export { Projects } from './projects.js';
export { type ProjectDetails, type ProjectsService } from './projects.service.js';
