import { Problem, type RequestIssue } from '../../platform/problems/problem.js';
import { type Wish } from './domain/deploy.js';
import { type ServiceSpec } from './domain/spec.js';
import { MASK } from './service-view.js';
import { type DeployServiceRequest } from './services.dto.js';

const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;
const MAX_VARIABLES = 500;
/** Of all that a generation runs: it is sent to every host that claims. */
const MAX_SPEC_BYTES = 256 * 1_024;
const NO_NETWORK = 'Input should not be false: a service without a network could be reached by nobody';
const DEFAULT_CAPABILITIES = ['service-host'];

/** What a request asks to run. Throws all that is wrong with it. */
export function wishOf(body: DeployServiceRequest): Wish {
  const issues = [
    ...blank('name', body.name),
    ...blank('command', body.command),
    ...(body.image === null ? [] : blank('image', body.image)),
    ...badHealthPath(body.healthPath),
    ...badVariables(body.env),
    ...(body.network === false ? [issue(['network'], NO_NETWORK, false)] : []),
  ];
  const spec = specOf(body);
  const bytes = Buffer.byteLength(JSON.stringify(spec));
  if (bytes > MAX_SPEC_BYTES) {
    const msg = `The service has ${bytes} bytes and should have at most ${MAX_SPEC_BYTES}`;
    issues.push({ type: 'too_long', loc: ['body'], msg, input: null });
  }
  if (issues.length > 0) {
    throw new Problem('invalid-request', issues.map(({ msg }) => msg).join('; '), { issues });
  }
  return { id: (body.serviceId ?? '').trim(), name: body.name.trim(), replicas: body.replicas ?? 1, spec };
}

function specOf(body: DeployServiceRequest): ServiceSpec {
  const capabilities = (body.requiredCapabilities ?? DEFAULT_CAPABILITIES).map((name) => name.trim());
  return {
    command: body.command.trim(),
    args: body.args ?? [],
    cwd: body.cwd === '' ? null : body.cwd,
    env: body.env as Record<string, string> | null,
    requiredCapabilities: [...new Set(capabilities.filter((name) => name !== ''))].sort(),
    maxPerHost: body.maxPerHost ?? 1,
    healthPath: body.healthPath,
    image: body.image,
    network: body.network,
  };
}

function blank(field: string, value: string): RequestIssue[] {
  if (value.trim() !== '') return [];
  return [{ type: 'missing', loc: ['body', field], msg: `${field} is required`, input: value }];
}

function badHealthPath(path: string | null): RequestIssue[] {
  if (path === null || /^\/[\x21-\x7e]*$/.test(path)) return [];
  return [issue(['healthPath'], 'Input should be a path that begins with / and has no blanks', path)];
}

function badVariables(env: Record<string, unknown> | null): RequestIssue[] {
  const variables = Object.entries(env ?? {});
  if (variables.length > MAX_VARIABLES) {
    return [issue(['env'], `Input should have at most ${MAX_VARIABLES} variables`, null)];
  }
  return variables.flatMap(([name, value]) => {
    const shown = name.slice(0, 255);
    if (!VARIABLE_NAME.test(name)) {
      return [
        issue(
          ['env', shown],
          'A name should have letters, digits and underscores, and begin with none of the digits',
          null,
        ),
      ];
    }
    if (typeof value !== 'string') return [issue(['env', shown], 'Input should be a valid string', null)];
    return value === MASK
      ? [
          issue(
            ['env', shown],
            `Input should be the value itself; ${MASK} only stands for one that is not shown`,
            null,
          ),
        ]
      : [];
  });
}

function issue(path: readonly string[], msg: string, input: unknown): RequestIssue {
  return { type: 'value_error', loc: ['body', ...path], msg, input };
}
