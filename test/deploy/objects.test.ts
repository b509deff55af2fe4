import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { facts } from '../../deploy/check/facts.mjs';
import { complaintsOfRules, type KubernetesObject } from '../../deploy/check/rules.mjs';

/** The objects of deploy/kustomize/base, which `npm run check:deploy` compares with what helm makes of the chart. */
const base = readdirSync('deploy/kustomize/base')
  .filter((file) => file !== 'kustomization.yaml')
  .flatMap((file) => parseAllDocuments(readFileSync(join('deploy/kustomize/base', file), 'utf8')))
  .map((document): KubernetesObject => document.toJS());

/** What is said of the objects after a change of one of them. */
function afterChange(name: string, change: (object: KubernetesObject) => void): string[] {
  const objects = structuredClone(base);
  const object: KubernetesObject = objects.find((each) => `${each.kind} ${each.metadata.name}` === name);
  expect(object).toBeDefined();
  change(object);
  return complaintsOfRules(objects, facts);
}
const containerOf = (object: KubernetesObject) => object.spec.template.spec.containers[0];
const CONTROL_PLANE = 'Deployment skynet-control-plane';

describe('the objects for Kubernetes', () => {
  it('follow our rules', () => {
    expect(base.length).toBeGreaterThan(10);
    expect(complaintsOfRules(base, facts)).toEqual([]);
  });

  const wrong: readonly [string, string, (object: KubernetesObject) => void, string][] = [
    [
      'a token',
      CONTROL_PLANE,
      (o) => (o.spec.template.spec.automountServiceAccountToken = true),
      'automountServiceAccountToken is false',
    ],
    [
      'root',
      CONTROL_PLANE,
      (o) => (o.spec.template.spec.securityContext.runAsUser = 0),
      'the pod has a numeric user',
    ],
    [
      'no seccomp',
      CONTROL_PLANE,
      (o) => delete o.spec.template.spec.securityContext.seccompProfile,
      'seccomp is RuntimeDefault',
    ],
    [
      'a capability',
      CONTROL_PLANE,
      (o) => (containerOf(o).securityContext.capabilities.add = ['NET_RAW']),
      'drops all capabilities',
    ],
    [
      'a writable root',
      'StatefulSet skynet-hosts',
      (o) => (containerOf(o).securityContext.readOnlyRootFilesystem = false),
      'has a read-only root',
    ],
    [
      'a folder of the node',
      CONTROL_PLANE,
      (o) => o.spec.template.spec.volumes.push({ name: 'x', hostPath: { path: '/' } }),
      'it mounts nothing of its node',
    ],
    [
      'no limit',
      'Job skynet-migrations',
      (o) => delete containerOf(o).resources.limits,
      'has a memory limit',
    ],
    [
      'latest',
      CONTROL_PLANE,
      (o) => (containerOf(o).image = 'skynet:latest'),
      'the image skynet:latest is not pinned',
    ],
    ['no tag', CONTROL_PLANE, (o) => (containerOf(o).image = 'registry:5000/skynet'), 'is not pinned'],
    [
      'a name that is no setting',
      CONTROL_PLANE,
      (o) => containerOf(o).env.push({ name: 'SKYNET_PROT', value: '1' }),
      'SKYNET_PROT is no setting',
    ],
    [
      'a setting of another program',
      CONTROL_PLANE,
      (o) => containerOf(o).env.push({ name: 'SKYCLAW_POLL_MS', value: '1' }),
      'SKYCLAW_POLL_MS is not a setting of serve in the compose file',
    ],
    [
      'a setting twice',
      CONTROL_PLANE,
      (o) => containerOf(o).env.push({ name: 'SKYNET_PORT', value: '8000' }),
      'SKYNET_PORT is there twice',
    ],
    [
      'a secret in the open',
      CONTROL_PLANE,
      (o) => (containerOf(o).env.find(({ name }: { name: string }) => name === 'SKYNET_API_KEY').value = 'x'),
      'SKYNET_API_KEY is a secret and stands in the open',
    ],
    [
      'a setting without effect',
      CONTROL_PLANE,
      (o) => containerOf(o).env.push({ name: 'SKYCLAW_PEER_DISCOVERY', value: '1' }),
      'SKYCLAW_PEER_DISCOVERY has no effect',
    ],
    [
      'a command that nobody knows',
      CONTROL_PLANE,
      (o) => (containerOf(o).args = ['server']),
      'the compose file runs no server',
    ],
    [
      'a port that nobody listens on',
      CONTROL_PLANE,
      (o) => (containerOf(o).ports[0].containerPort = 8001),
      'port http is not that of SKYNET_PORT',
    ],
    [
      'a probe of a path that is not there',
      CONTROL_PLANE,
      (o) => (containerOf(o).readinessProbe.httpGet.path = '/ready'),
      'readinessProbe asks /ready, which serve does not have',
    ],
    [
      'a probe of a path behind a key',
      CONTROL_PLANE,
      (o) => (containerOf(o).livenessProbe.httpGet.path = '/metrics'),
      'livenessProbe asks /metrics',
    ],
    [
      'no probe',
      'Deployment skynet-service-gateway',
      (o) => delete containerOf(o).livenessProbe,
      'no livenessProbe',
    ],
    [
      'a service of nobody',
      'Service skynet-control-plane',
      (o) => (o.spec.selector['app.kubernetes.io/component'] = 'x'),
      'it selects pods of 0 objects',
    ],
    [
      'a service of another port',
      'Service skynet-control-plane',
      (o) => (o.spec.ports[0].targetPort = 'web'),
      'its port http is none of http',
    ],
    [
      'a budget for nobody',
      'PodDisruptionBudget skynet-control-plane',
      (o) => (o.spec.selector.matchLabels = { a: 'b' }),
      'it selects nothing',
    ],
    [
      'a policy that lets all out',
      'NetworkPolicy skynet-hosts',
      (o) => o.spec.egress.push({}),
      'it lets everything out',
    ],
    [
      'a policy that shuts the service',
      'NetworkPolicy skynet-control-plane',
      (o) => delete o.spec.ingress,
      'nobody is let in to the port http',
    ],
    [
      'a pod without policy',
      'NetworkPolicy skynet-hosts',
      (o) => (o.spec.podSelector.matchLabels = { a: 'b' }),
      'StatefulSet skynet-hosts: no network policy is about it',
    ],
    [
      'too little time to end',
      CONTROL_PLANE,
      (o) => (o.spec.template.spec.terminationGracePeriodSeconds = 10),
      'less time to end',
    ],
    [
      'no headless service',
      'Service skynet-hosts',
      (o) => delete o.spec.clusterIP,
      'it has no headless service',
    ],
  ];
  it.each(wrong)('may not have %s', (_what, name, change, complaint) => {
    expect(afterChange(name, change).join('\n')).toContain(complaint);
  });
});

describe('ways in', () => {
  const NGINX = 'nginx.ingress.kubernetes.io/';
  const backend = { service: { name: 'skynet-control-plane', port: { name: 'http' } } };
  const ingress = {
    kind: 'Ingress',
    metadata: {
      name: 'skynet',
      annotations: {
        [`${NGINX}proxy-buffering`]: 'off',
        [`${NGINX}proxy-request-buffering`]: 'off',
        [`${NGINX}proxy-read-timeout`]: '3600',
        [`${NGINX}proxy-send-timeout`]: '3600',
      },
    },
    spec: {
      tls: [{ hosts: ['a.example'] }],
      rules: [{ host: 'a.example', http: { paths: [{ path: '/', backend }] } }],
    },
  };
  const route = {
    kind: 'HTTPRoute',
    metadata: { name: 'skynet' },
    spec: {
      rules: [{ timeouts: { request: '0s' }, backendRefs: [{ name: 'skynet-control-plane', port: 8000 }] }],
    },
  };

  it.each<[string, KubernetesObject, (object: KubernetesObject) => void, string | undefined]>([
    ['an ingress', ingress, () => undefined, undefined],
    ['a route', route, () => undefined, undefined],
    [
      'an ingress that buffers',
      ingress,
      (o) => (o.metadata.annotations[`${NGINX}proxy-buffering`] = 'on'),
      'streams are buffered',
    ],
    [
      'an ingress with little time',
      ingress,
      (o) => (o.metadata.annotations[`${NGINX}proxy-read-timeout`] = '15'),
      'streams are cut by a time limit',
    ],
    [
      'a host without certificate',
      ingress,
      (o) => (o.spec.rules[0].host = 'b.example'),
      'no certificate is for b.example',
    ],
    [
      'an ingress to nobody',
      ingress,
      (o) => (o.spec.rules[0].http.paths[0].backend.service.name = 'x'),
      'there is no service x',
    ],
    [
      'a route with a time limit',
      route,
      (o) => delete o.spec.rules[0].timeouts,
      'streams are cut by a time limit',
    ],
    [
      'a route to another port',
      route,
      (o) => (o.spec.rules[0].backendRefs[0].port = 80),
      'the service skynet-control-plane has no such port',
    ],
  ])('%s', (_what, object, change, complaint) => {
    const changed = structuredClone(object);
    change(changed);
    const found = complaintsOfRules([...base, changed], facts);
    if (complaint === undefined) expect(found).toEqual([]);
    else expect(found.join()).toContain(complaint);
  });
});

describe('the chart', () => {
  it('takes every setting that is a secret for one', () => {
    const helpers = readFileSync('deploy/helm/skynet/templates/_helpers.tpl', 'utf8');
    const [, pattern = ''] = /define "skynet\.secretNames" -}}\n(.*)\n/.exec(helpers) ?? [];
    const secrets = Object.keys(facts.variables).filter((name) => facts.variables[name]?.secret === true);
    expect(secrets.length).toBeGreaterThan(15);
    expect(secrets.filter((name) => !new RegExp(pattern).test(name))).toEqual([]);
  });

  it('is of the version of the program', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(readFileSync('deploy/helm/skynet/Chart.yaml', 'utf8')).toContain(`\nappVersion: '${version}'\n`);
  });
});

describe('the image', () => {
  const dockerfile = readFileSync('Dockerfile', 'utf8');

  it('is built on pinned images, and runs as a user by number', () => {
    const bases = [...dockerfile.matchAll(/^ARG \w+=(\S+)$/gm)].map(([, image]) => image);
    expect(bases).toHaveLength(2);
    for (const image of bases) expect(image).toMatch(/^[\w/]+:(?!latest$)[\w.-]+$/);
    const from = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    expect(from).toEqual(['${NODE}', '${NODE}', '${BASE}']);
    expect(/^USER (.*)$/m.exec(dockerfile)?.[1]).toBe('1000:1000');
  });

  it('gets from the folder what it copies', () => {
    const taken = readFileSync('.dockerignore', 'utf8');
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    expect(copied.length).toBeGreaterThan(8);
    for (const name of copied) expect(taken).toContain(`!${name.replace('./', '')}\n`);
  });
});
