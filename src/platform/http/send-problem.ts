import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type Problem, type RequestIssue } from '../problems/problem.js';
import { type ProblemKind, problems } from '../problems/problems.js';
import { envelopeOf } from './envelope.js';
import { traitsOf } from './route.decorator.js';

/**
 * Writes a problem as the answer. Routes that old clients know answer in their family's envelope; new ones, and any that
 * is asked for it by `Accept`, an RFC 9457 document.
 */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): void {
  const usesErrorEnvelope = envelopeOf(request) === 'error';
  const { status, title } = usesErrorEnvelope ? problems[kindIn(problem.kind)] : problems[problem.kind];
  if (problem.retryAfterSeconds !== undefined) void reply.header('retry-after', problem.retryAfterSeconds);
  for (const [name, value] of Object.entries(problem.headers)) void reply.header(name, value);
  if (wantsDocument(request)) {
    void reply
      .status(status)
      .header('content-type', 'application/problem+json')
      .send({
        ...problem.members,
        type: `urn:skynet:problem:${problem.kind}`,
        title,
        status,
        detail: problem.detail,
        instance: `urn:skynet:request:${request.id}`,
        ...(usesErrorEnvelope ? { error: errorText(problem) } : {}),
        ...(problem.issues === undefined ? {} : { errors: problem.issues.map(documentError) }),
      });
    return;
  }
  const told = usesErrorEnvelope
    ? { error: errorText(problem) }
    : { detail: problem.issues ?? problem.detail };
  void reply
    .status(status)
    .header('content-type', 'application/json; charset=utf-8')
    .send({
      ...problem.members,
      ...told,
      ...(problem.kind === 'internal' ? { request_id: request.id } : {}),
    });
}

/** Clients of the `{"error": …}` routes know neither 422 nor 405. */
function kindIn(kind: ProblemKind): ProblemKind {
  if (kind === 'invalid-request') return 'bad-request';
  return kind === 'method-not-allowed' ? 'not-found' : kind;
}

/** What those routes say of troubles that all routes share; their own texts are told as they are. */
const SHARED_TEXTS: Partial<Record<ProblemKind, string>> = {
  unauthorized: 'unauthorized',
  'not-found': 'not found',
  'method-not-allowed': 'not found',
  'body-too-large': 'request body too large',
  internal: 'internal server error',
};

function errorText({ kind, detail, issues }: Problem): string {
  const [issue] = issues ?? [];
  if (issue === undefined) return SHARED_TEXTS[kind] ?? detail;
  const where = issue.loc.slice(1).join('.');
  if (where === '') return issue.type === 'json_invalid' ? 'malformed JSON' : issue.msg;
  // A field that may not be null and is null is as good as not sent; inside of a field it is told what should stand there.
  const isMissing = issue.type === 'missing' || (issue.input === null && issue.loc.length === 2);
  return isMissing ? `${where} is required` : `${where}: ${issue.msg}`;
}

function wantsDocument(request: FastifyRequest): boolean {
  return (
    traitsOf(request).errors === 'problem' ||
    (request.headers.accept ?? '').includes('application/problem+json')
  );
}

function documentError({ loc, msg }: RequestIssue): object {
  return { pointer: pointerTo(loc.slice(1)), in: loc[0], detail: msg };
}

/** A JSON pointer as a URI fragment: `#/params/a~1b`, and `#` for the whole. */
function pointerTo(path: readonly (string | number)[]): string {
  const steps = path.map((step) => String(step).replaceAll('~', '~0').replaceAll('/', '~1'));
  return ['#', ...steps].join('/');
}
