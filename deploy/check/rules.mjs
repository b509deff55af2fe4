// What we hold objects of Kubernetes to beyond their schemas. Pure: objects and facts in, sentences out.

/** Pods of an object with pods. */
const podOf = (object) => object.spec?.template?.spec;
export const hasPods = (object) => podOf(object)?.containers !== undefined;
const containersOf = (object) => [...(podOf(object).initContainers ?? []), ...podOf(object).containers];
const envOf = (container) => container.env ?? [];

/** Restricted, as the Pod Security Standards of Kubernetes say, and more: read-only root, no token, numeric user. */
export function complaintsOfSecurity(object) {
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
export function complaintsOfImages(object) {
  if (!hasPods(object)) return [];
  return containersOf(object)
    .filter(({ image }) => !/@sha256:[0-9a-f]{64}$|:(?!latest$)[\w][\w.-]*$/.test(image))
    .map(({ image }) => `the image ${image} is not pinned`);
}

/**
 * Every setting is one of the catalogue and of the service in the compose file that runs the same command; secrets come
 * from secrets, nothing else does, and no name is given twice.
 */
export function complaintsOfEnv(object, { variables, compose }) {
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
  serve: { http: 'SKYNET_PORT' },
  gateway: { http: 'SKYNET_HTTP_PORT', agents: 'OPENCLAW_WS_PORT' },
  'service-gateway': { http: 'SKYCLAW_GATEWAY_PORT' },
};

/** Containers listen where they say, probes ask paths that answer without a key, and on ports that are there. */
export function complaintsOfPorts(object, { openPaths }) {
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
          return value !== String(ports.find((port) => port.name === name)?.containerPort);
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

const matches = (selector, labels = {}) =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

/**
 * What one object says of another is so: services find pods and their ports, routes find services, budgets, policies and
 * monitors select something, policies let in what pods listen on, streams have time.
 */
export function complaintsOfReferences(objects) {
  const workloads = objects.filter(hasPods);
  const services = objects.filter(({ kind }) => kind === 'Service');
  const podsOf = (selector) =>
    workloads.filter((each) => matches(selector, each.spec.template.metadata.labels));
  const portsOf = (list) => list.flatMap((each) => containersOf(each).flatMap(({ ports = [] }) => ports));
  const complain = (object, what) => `${object.kind} ${object.metadata.name}: ${what}`;
  const backend = (object, name, has) => {
    const service = services.find((each) => each.metadata.name === name);
    if (service === undefined) return [complain(object, `there is no service ${name}`)];
    return service.spec.ports?.some(has) ? [] : [complain(object, `the service ${name} has no such port`)];
  };
  const rules = {
    Service: (service) => {
      const pods = podsOf(service.spec.selector);
      const named = portsOf(pods).map(({ name }) => name);
      return [
        ...(pods.length === 1 ? [] : [complain(service, `it selects pods of ${pods.length} objects`)]),
        ...(service.spec.ports ?? [])
          .filter(
            ({ targetPort, port }) =>
              !portsOf(pods).some((each) => each.name === targetPort && each.containerPort === port),
          )
          .map(({ name }) => complain(service, `its port ${name} is none of ${named.join()}`)),
      ];
    },
    Ingress: (ingress) => {
      const NGINX = 'nginx.ingress.kubernetes.io/';
      const annotations = Object.entries(ingress.metadata.annotations ?? {});
      const nginx = Object.fromEntries(annotations.map(([name, value]) => [name.replace(NGINX, ''), value]));
      const isNginx = annotations.some(([name]) => name.startsWith(NGINX));
      const buffers = ['proxy-buffering', 'proxy-request-buffering'].some((name) => nginx[name] !== 'off');
      const times = ['proxy-read-timeout', 'proxy-send-timeout'].map((name) => Number(nginx[name] ?? 0));
      const secured = (ingress.spec.tls ?? []).flatMap(({ hosts }) => hosts);
      return [
        ...(isNginx && buffers ? [complain(ingress, 'streams are buffered')] : []),
        // An event stream says that it is alive every 15 s.
        ...(isNginx && Math.min(...times) < 60 ? [complain(ingress, 'streams are cut by a time limit')] : []),
        ...ingress.spec.rules
          .filter(({ host }) => secured.length > 0 && !secured.includes(host))
          .map(({ host }) => complain(ingress, `no certificate is for ${host}`)),
        ...ingress.spec.rules.flatMap(({ http }) =>
          http.paths.flatMap(({ backend: { service } }) =>
            backend(ingress, service.name, ({ name }) => name === service.port.name),
          ),
        ),
      ];
    },
    HTTPRoute: (route) =>
      route.spec.rules.flatMap(({ backendRefs, timeouts }) => [
        ...(timeouts?.request === '0s' ? [] : [complain(route, 'streams are cut by a time limit')]),
        ...backendRefs.flatMap((ref) => backend(route, ref.name, ({ port }) => port === ref.port)),
      ]),
    PodDisruptionBudget: (budget) =>
      podsOf(budget.spec.selector.matchLabels).length === 1 ? [] : [complain(budget, 'it selects nothing')],
    HorizontalPodAutoscaler: (scaler) => {
      const target = workloads.find(({ metadata }) => metadata.name === scaler.spec.scaleTargetRef.name);
      if (target === undefined) return [complain(scaler, 'it scales nothing')];
      return target.spec.replicas === undefined
        ? []
        : [complain(scaler, 'its target says how many replicas it has')];
    },
    NetworkPolicy: (policy) => {
      const pods = podsOf(policy.spec.podSelector.matchLabels);
      const open = (policy.spec.ingress ?? []).flatMap(({ ports }) => ports);
      const shut = portsOf(pods).filter(
        ({ containerPort }) => !open.some(({ port }) => port === containerPort),
      );
      const boundless = (policy.spec.egress ?? []).filter(
        (rule) => rule.ports === undefined && rule.to === undefined,
      );
      return [
        ...(pods.length === 1 ? [] : [complain(policy, 'it selects nothing')]),
        ...(policy.spec.policyTypes.join() === 'Ingress,Egress'
          ? []
          : [complain(policy, 'it rules one way only')]),
        ...shut.map(({ name }) => complain(policy, `nobody is let in to the port ${name}`)),
        ...boundless.map(() => complain(policy, 'it lets everything out')),
      ];
    },
    ServiceMonitor: (monitor) => {
      const found = services.filter((each) =>
        matches(monitor.spec.selector.matchLabels, each.metadata.labels),
      );
      if (found.length !== 1) return [complain(monitor, `it selects ${found.length} services`)];
      return monitor.spec.endpoints.every(({ port }) => found[0].spec.ports.some(({ name }) => name === port))
        ? []
        : [complain(monitor, 'it asks a port that is not there')];
    },
  };
  const policed = objects.filter(({ kind }) => kind === 'NetworkPolicy');
  const unpoliced = workloads.filter(
    (each) =>
      policed.length > 0 &&
      !policed.some(({ spec }) => matches(spec.podSelector.matchLabels, each.spec.template.metadata.labels)),
  );
  const secrets = objects.filter(({ kind }) => kind === 'Secret');
  const names = objects.map((object) => `${object.kind} ${object.metadata.name}`);
  return [
    ...objects.flatMap((object) => rules[object.kind]?.(object) ?? []),
    ...unpoliced.map((object) => complain(object, 'no network policy is about it')),
    ...secrets.map((object) => complain(object, 'the files make no secrets')),
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${name} is there twice`),
    ...workloads
      .filter(
        ({ kind, metadata, spec }) =>
          kind === 'StatefulSet' &&
          !services.some(
            (each) => each.metadata.name === spec.serviceName && each.spec.clusterIP === 'None' && metadata,
          ),
      )
      .map((object) => complain(object, 'it has no headless service')),
    ...workloads
      .filter(({ spec }) => (spec.template.spec.terminationGracePeriodSeconds ?? 30) < 25)
      .map((object) => complain(object, 'it has less time to end than its shutdown may take')),
  ];
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
