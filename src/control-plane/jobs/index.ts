export { isoTime, jobView } from './job-view.js';
export { JobListResponse, JobResponse, ListJobsQuery, SubmitJobRequest } from './jobs.dto.js';
export { JobsModule } from './jobs.module.js';
export { jobNotFound, JobsService } from './jobs.service.js';
export { readPayload } from './domain/payload.js';
export { newJob } from './requests.js';
