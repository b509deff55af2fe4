export { isoTime, jobStatus, jobView } from './job-view.js';
export { JobListResponse, JobResponse } from './jobs.dto.js';
export { JobsModule } from './jobs.module.js';
export { jobNotFound, JobsService, type NewJob } from './jobs.service.js';
export { readPayload } from './domain/payload.js';
export { newJob } from './requests.js';
export { cutOutput } from './domain/output.js';
