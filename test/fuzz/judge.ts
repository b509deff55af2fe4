import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { type Exchange } from './client.js';
import { type Description, type Operation } from './description.js';
import { type FuzzRequest } from './requests.js';
import { insidesIn, type Secrets } from './secrets.js';

/**
 * Operations that may answer with a server's error although nothing of ours is broken, and why. Whatever else is 5xx is a
 * fault.
 */
export const EXCUSED: Readonly<Record<string, readonly [status: number, why: string][]>> = {
  'POST /v1/route-task': [
    [502, 'a gateway that somebody has registered answers nonsense'],
    [503, 'no gateway can be reached, or the one that was named cannot'],
  ],
  'GET /v1/ready': [[503, 'the replica is not ready; the answer says why']],
  'GET /readyz': [[503, 'the replica is not ready; the answer says why']],
  'GET /v1/events/stream': [[503, 'there are as many streams as there may be']],
  'GET /v1/jobs/{id}/logs': [[503, 'there are as many streams as there may be']],
  'GET /v1/services/{id}/logs': [[503, 'there are as many streams as there may be']],
};

/** What any route may answer with, described at it or not. */
const ANYWHERE = new Set([304, 400, 401, 403, 404, 405, 406, 409, 413, 414, 415, 417, 422, 429, 431]);

/** Something that must not be in an answer: which rule, and in a few words what. */
export interface Fault {
  readonly rule: string;
  readonly text: string;
}

/** Judges answers by the description and by what must never be told. Counts what it has checked. */
export class Judge {
  /** Answers whose JSON was checked against the schema of its operation and status. */
  checked = 0;
  private readonly operations: ReadonlyMap<string, Operation>;
  private readonly validators = new Map<string, ValidateFunction>();
  private readonly ajv = new Ajv2020({ strict: false, allErrors: false });

  constructor(
    description: Description,
    private readonly secrets: Secrets,
  ) {
    this.operations = new Map(description.operations.map((operation) => [operation.name, operation]));
    (addFormats as unknown as (ajv: Ajv2020) => void)(this.ajv);
    this.ajv.addSchema({ $id: 'openapi', components: { schemas: description.schemas } });
  }

  faults(request: FuzzRequest, { sent, answer }: Exchange): Fault[] {
    if (answer === null) return [{ rule: 'answered', text: 'there was no answer' }];
    const { status, headers, text, isWhole } = answer;
    const leaks = text + JSON.stringify(headers);
    return [
      ...this.status(request, status),
      ...insidesIn(leaks).map((what) => ({ rule: 'nothing-of-the-inside', text: `it shows ${what}` })),
      ...this.secrets.in(leaks, sent).map((what) => ({ rule: 'no-secret', text: `it tells ${what}` })),
      ...(isWhole ? this.shape(request, status, headers['content-type'] ?? '', text) : []),
    ];
  }

  private status(request: FuzzRequest, status: number): Fault[] {
    const excused = EXCUSED[request.operation]?.some(([allowed]) => allowed === status) === true;
    if (status >= 500 && !excused) return [{ rule: 'no-5xx', text: `${status}` }];
    const operation = this.operations.get(request.operation);
    if (operation === undefined || ANYWHERE.has(status) || operation.responses.has(status)) return [];
    return [{ rule: 'documented', text: `${status} is not described` }];
  }

  private shape(request: FuzzRequest, status: number, type: string, text: string): Fault[] {
    if (!/^application\/(?:problem\+)?json/.test(type) || request.method === 'HEAD') return [];
    const body = parsed(text);
    if (body === undefined) return [{ rule: 'json', text: 'it says that it is JSON, and is none' }];
    const schema = this.operations.get(request.operation)?.responses.get(status)?.[
      'application/json'
    ]?.schema;
    if (schema === undefined)
      return status < 400 || isProblem(type, body)
        ? []
        : [{ rule: 'problem', text: 'an error in no known form' }];
    this.checked += 1;
    const key = JSON.stringify(schema);
    let validate = this.validators.get(key);
    if (validate === undefined) {
      validate = this.ajv.compile(
        JSON.parse(key.replaceAll('"#/components', '"openapi#/components')) as object,
      );
      this.validators.set(key, validate);
    }
    if (validate(body)) return [];
    const [error] = validate.errors ?? [];
    const where = (error?.instancePath ?? '').replaceAll(/\/\d+/g, '/*');
    return [
      {
        rule: 'schema',
        text: `${where || '/'} ${error?.message ?? 'is not as described'} ${JSON.stringify(error?.params)}`,
      },
    ];
  }
}

/** One of the three forms in which errors are told, see docs/problems.md. */
function isProblem(type: string, body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  const needed = type.startsWith('application/problem+json')
    ? ['type', 'title', 'status', 'detail', 'instance']
    : [];
  return needed.every((name) => name in body) && ('detail' in body || 'error' in body || 'status' in body);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
