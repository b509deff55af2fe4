import { type Assignment, type Job, type JobPayload, type Service } from '../../contracts/skyclaw.js';
import { record } from '../domain/record.js';

/** An answer of the coordinator that this daemon cannot read: of another version, or not of a coordinator at all. */
export class UnreadableAnswer extends Error {
  constructor(
    message: string,
    /** The job that it was about. */
    readonly job?: { readonly id: string; readonly leaseToken?: string },
  ) {
    super(message);
  }
}

/** The job of an answer to a claim, checked as far as it is going to be used. */
export function jobOfClaim(answer: unknown): Job | undefined {
  const job = record(answer)['job'];
  if (job === null || job === undefined) return undefined;
  const fields = record(job);
  const { id, leaseToken } = fields;
  if (typeof id !== 'string' || !isId(id))
    throw new UnreadableAnswer('The coordinator hands out a job without an id.');
  const problem = problemOfPayload(fields['payload']);
  if (problem !== undefined) {
    throw new UnreadableAnswer(problem, { id, ...(typeof leaseToken === 'string' ? { leaseToken } : {}) });
  }
  const { attempts, submittedBy, confined } = fields;
  return {
    ...(job as Job),
    attempts: typeof attempts === 'number' ? attempts : 1,
    submittedBy: typeof submittedBy === 'string' ? submittedBy : '',
    confined: confined === true,
  };
}

/** What a host is to start: a service, as which of its replicas there. */
export interface ClaimedService {
  readonly service: Service;
  readonly slot: number;
}

/** The service of an answer to a claim. */
export function serviceOfClaim(answer: unknown): ClaimedService | undefined {
  const service = record(answer)['service'];
  if (service === null || service === undefined) return undefined;
  const fields = record(service);
  const { id, command, args = [], env = {}, assignments } = fields;
  const isWhole =
    typeof id === 'string' && isId(id) && typeof command === 'string' && isTexts(args) && isTextMap(env);
  if (!isWhole || !Array.isArray(assignments)) {
    throw new UnreadableAnswer('The coordinator hands out a service without id, command or assignments.');
  }
  const { slot } = record(answer);
  const whole = {
    ...(service as Service),
    args,
    env,
    assignments: assignments.map((entry) => {
      const { generation, restarts, slot } = record(entry);
      return {
        ...(entry as Assignment),
        slot: typeof slot === 'number' ? slot : 0,
        generation: typeof generation === 'number' ? generation : 1,
        restarts: typeof restarts === 'number' ? restarts : 0,
      };
    }),
  };
  return { service: whole, slot: typeof slot === 'number' ? slot : 0 };
}

/** Single replicas that must end; of any generation where none is named. */
export function replicasOf(answer: unknown): readonly StopReplica[] {
  const list = record(answer)['stopReplicas'];
  return (Array.isArray(list) ? list : []).flatMap((entry) => {
    const { serviceId, slot, generation } = record(entry);
    if (typeof serviceId !== 'string' || typeof slot !== 'number') return [];
    return [{ serviceId, slot, generation: typeof generation === 'number' ? generation : undefined }];
  });
}

export interface StopReplica {
  readonly serviceId: string;
  readonly slot: number;
  readonly generation: number | undefined;
}

/** A list of texts of an answer; empty when it is not there. */
export function listOf(answer: unknown, name: string): readonly string[] {
  const list = record(answer)[name];
  return Array.isArray(list) ? list.filter((entry): entry is string => typeof entry === 'string') : [];
}

function problemOfPayload(value: unknown): string | undefined {
  const payload = record(value) as Partial<Record<string, unknown>> & { kind?: JobPayload['kind'] };
  if (!['shell', 'openclaw-run'].includes(payload.kind ?? '')) {
    return `unsupported payload kind: ${String(payload.kind)}`;
  }
  if (payload.kind === 'shell' && typeof payload['command'] !== 'string')
    return 'payload.command is required';
  const { args = [], env = {}, timeoutMs = 1, cwd = '', openclawDir = '', image = '' } = payload;
  if (!isTexts(args)) return 'payload.args should be a list of texts';
  if (!isTextMap(env)) return 'payload.env should be a map of texts';
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0))
    return 'payload.timeoutMs should be a positive number';
  const isText = [cwd, openclawDir, image].every((text) => typeof text === 'string');
  return isText ? undefined : 'payload.cwd, openclawDir and image should be texts';
}

/** Ids become parts of paths. */
const isId = (id: string) => id !== '' && id.length <= 500;

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

function isTextMap(value: unknown): value is Readonly<Record<string, string>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((entry) => typeof entry === 'string')
  );
}
