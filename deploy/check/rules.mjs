// What we hold objects of Kubernetes to beyond their schemas. Pure: objects and facts in, sentences out.
import { containersOf, hasPods, podOf } from './pods.mjs';
import { complaintsOfReferences } from './references.mjs';

const envOf = (container) => container.env ?? [];

/** Restricted, as the Pod Security Standards of Kubernetes say, and more: read-only root, no token, numeric user. */
function complaintsOfSecurity(object) {
  if (!hasPods(object)) return [];
  const pod = podOf(object);
  const wanted = [
    ['automountServiceAccountToken is false', pod.automountServiceAccountToken === false],
    ['the pod runs as non-root', pod.securityContext?.runAsNonRoot === true],
    ['the pod has a numeric user', pod.securityContext?.runAsUser > 0],
    ['seccomp is RuntimeDefault', pod.securityContext?.seccompProfile?.type === 'RuntimeDefault'],
    ['it shares nothing with its node', !pod.hostNetwork && !pod.hostPID && !pod.hostIPC],
    ['it mounts nothing of its node', (pod.volumes ?? []).every((volume) => volume.hostPath === undefined)],
    [
      'no ports of its node',
      containersOf(object).every(({ ports = [] }) => ports.every((port) => !port.hostPort)),
    ],
    ...containersOf(object).flatMap(({ name, securityContext: context, resources }) => [
      [`${name} gains no privileges`, context?.allowPrivilegeEscalation === false && !context.privileged],
      [`${name} has a read-only root`, context?.readOnlyRootFilesystem === true],
      [`${name} runs as non-root`, context?.runAsNonRoot === true],
      [
        `${name} drops all capabilities`,
        context?.capabilities?.drop?.join() === 'ALL' && context.capabilities.add === undefined,
      ],
      [
        `${name} asks for CPU and memory`,
        resources?.requests?.cpu !== undefined && resources.requests.memory !== undefined,
      ],
      [`${name} has a memory limit`, resources?.limits?.memory !== undefined],
    ]),
  ];
  return wanted.filter(([, holds]) => !holds).map(([what]) => `not so: ${what}`);
}

/** Images are pinned by a version or a digest. */
function complaintsOfImages(object) {
  if (!hasPods(object)) return [];
  return containersOf(object)
    .filter(({ image }) => !/@sha256:[0-9a-f]{64}$|:(?!latest$)[\w][\w.-]*$/.test(image))
    .map(({ image }) => `the image ${image} is not pinned`);
}

/**
 * Every setting is one of the catalogue and of the service in the compose file that runs the same command; secrets come
 * from secrets, nothing else does, and no name is given twice.
 */
function complaintsOfEnv(object, { variables, compose }) {
  if (!hasPods(object)) return [];
  return containersOf(object).flatMap(({ args: [command], env }) => {
    const service = Object.values(compose.services).find((each) => each.command === command);
    const names = (env ?? []).map(({ name }) => name);
    return [
      ...names.filter((name) => variables[name] === undefined).map((name) => `${name} is no setting`),
      ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${name} is there twice`),
      ...(env ?? [])
        .filter(({ name, value }) => variables[name]?.secret === true && value !== undefined)
        .map(({ name }) => `${name} is a secret and stands in the open`),
      ...(env ?? [])
        .filter(({ name }) => variables[name]?.ignored !== undefined)
        .map(({ name }) => `${name} has no effect`),
      ...(service === undefined && command !== 'migrate' ? [`the compose file runs no ${command}`] : []),
      ...names
        .filter((name) => service !== undefined && !(name in service.environment))
        .map((name) => `${name} is not a setting of ${command} in the compose file`),
    ];
  });
}

/** Which variable says where a command listens. */
const PORTS = {
  serve: { http: 'SKYNET_PORT', metrics: 'SKYNET_METRICS_PORT' },
  gateway: { http: 'SKYNET_HTTP_PORT', agents: 'OPENCLAW_WS_PORT' },
  'service-gateway': { http: 'SKYCLAW_GATEWAY_PORT' },
};

/** Containers listen where they say, probes ask paths that answer without a key, and on ports that are there. */
function complaintsOfPorts(object, { openPaths }) {
  if (!hasPods(object)) return [];
  return containersOf(object).flatMap((container) => {
    const command = container.args[0];
    const ports = container.ports ?? [];
    const told = PORTS[command] ?? {};
    const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'].map((name) => [
      name,
      container[name]?.httpGet,
    ]);
    return [
      ...Object.entries(told)
        .filter(([name, variable]) => {
          const value = envOf(container).find((entry) => entry.name === variable)?.value;
          // A port that is not wanted is neither set nor there.
          return String(value) !== String(ports.find((port) => port.name === name)?.containerPort);
        })
        .map(([name, variable]) => `port ${name} is not that of ${variable}`),
      ...ports
        .filter(({ name }) => told[name] === undefined)
        .map(({ name }) => `nobody listens on port ${name}`),
      ...probes
        .filter(([, get]) => get === undefined && told.http !== undefined)
        .map(([name]) => `no ${name}`),
      ...probes
        .filter(([, get]) => get !== undefined && !(openPaths[command] ?? []).includes(get.path))
        .map(([name, get]) => `${name} asks ${get.path}, which ${command} does not have`),
      ...probes
        .filter(([, get]) => get !== undefined && !ports.some((port) => port.name === get.port))
        .map(([name]) => `${name} asks a port that is not there`),
    ];
  });
}

/** All of these rules over the objects of one rendering. */
export function complaintsOfRules(objects, facts) {
  const each = [complaintsOfSecurity, complaintsOfImages, complaintsOfEnv, complaintsOfPorts];
  return [
    ...objects.flatMap((object) =>
      each.flatMap((rule) =>
        rule(object, facts).map((what) => `${object.kind} ${object.metadata.name}: ${what}`),
      ),
    ),
    ...complaintsOfReferences(objects),
  ];
}
