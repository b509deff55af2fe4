// What objects of Kubernetes say of each other. Pure: objects in, sentences out.
import { containersOf, hasPods } from './pods.mjs';

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
