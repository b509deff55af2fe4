import { Problem } from '../../platform/problems/problem.js';
import { readPayload } from './domain/payload.js';
import { type CompleteJobRequest, type SubmitJobRequest } from './jobs.dto.js';
import { type NewJob, type Report } from './jobs.service.js';

const MOST_CAPABILITIES = 1_000;
const MAX_CAPABILITY_LENGTH = 200;

/** A job as the ledger takes it in, from the words of the API. Throws what is wrong with it. */
export function newJob(body: SubmitJobRequest): NewJob {
  const read = readPayload(body.payload);
  if (!read.ok) throw new Problem('bad-request', read.why);
  const { submittedBy, projectId, priority, dependencies, ttlMs } = body;
  return {
    payload: read.payload,
    requiredCapabilities: capabilitiesOf(body.requirement ?? {}),
    submittedBy: submittedBy === null || submittedBy.trim() === '' ? null : submittedBy.trim(),
    ...{ projectId, priority, dependencies, ttlMs },
  };
}

function capabilitiesOf(requirement: Readonly<Record<string, unknown>>): readonly string[] {
  const named = requirement['requiredCapabilities'] ?? [];
  const isRight =
    Array.isArray(named) &&
    named.length <= MOST_CAPABILITIES &&
    named.every((entry) => typeof entry === 'string' && entry.length <= MAX_CAPABILITY_LENGTH);
  if (!isRight) throw new Problem('bad-request', 'requirement.requiredCapabilities must be a list of texts');
  return named as string[];
}

export function reportFrom(
  jobId: string,
  { hostId, leaseToken, success, durationMs, exitCode, stdout, stderr, error }: CompleteJobRequest,
): Report {
  return { jobId, hostId, leaseToken, success, durationMs, exitCode, stdout, stderr, error };
}
