// Which values the chart is rendered with: the defaults, the profiles, each switch turned by itself, and cases that say
// what the rest of the values does.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { chart } from './render.mjs';

export const profiles = ['small', 'ha', 'existing-ingress'];

/** `{a: {b: value}}` of `a.b` */
const at = (path, value) => path.split('.').reduceRight((inner, key) => ({ [key]: inner }), value);

function switches(values, path = '') {
  return Object.entries(values).flatMap(([key, value]) => {
    const here = path === '' ? key : `${path}.${key}`;
    if (typeof value === 'boolean') return [[here, !value]];
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? switches(value, here) : [];
  });
}

/** A switch that needs another value is turned together with it. */
const companions = {
  'httpRoute.enabled': { httpRoute: { parentRefs: [{ name: 'shared' }], enabled: true } },
};

const peers = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'traefik' } } }];
const named = {
  fullnameOverride: 'fleet',
  image: {
    repository: 'registry.example.com/team/skynet',
    digest: `sha256:${'0'.repeat(64)}`,
    pullPolicy: 'Always',
    pullSecrets: ['registry'],
  },
  database: { caSecret: 'database-ca' },
  logLevel: 'DEBUG',
};

const pod = {
  podAnnotations: { 'example.com/owner': 'fleet' },
  nodeSelector: { 'kubernetes.io/arch': 'arm64' },
  tolerations: [{ key: 'fleet', operator: 'Exists', effect: 'NoSchedule' }],
  affinity: {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 1,
          podAffinityTerm: {
            topologyKey: 'kubernetes.io/hostname',
            labelSelector: { matchLabels: { 'app.kubernetes.io/name': 'skynet' } },
          },
        },
      ],
    },
  },
  priorityClassName: 'high',
};

const cases = {
  'everything on, Traefik': {
    ...named,
    controlPlane: {
      ...pod,
      env: { SKYNET_GATEWAY_PROBE_SECS: '5' },
      secretEnv: { SKYCLAW_PUBLIC_API_KEYS: { secret: 'outsiders', key: 'keys', optional: true } },
      gatewayUrls: ['http://claw.openclaw:18789', 'https://claw.example.com'],
      trustedProxies: ['10.0.0.0/8', '::1'],
      retentionDays: 3650,
      metricsPort: null,
      rateLimitPerMinute: 1_000_000,
      autoscaling: { enabled: true, backlog: { enabled: true, matchLabels: { reason: 'ready' } } },
      podDisruptionBudget: { enabled: true, maxUnavailable: '50%' },
      service: { type: 'LoadBalancer', annotations: { 'example.com/internal': 'true' } },
    },
    serviceGateway: { ...pod, env: { SKYCLAW_GATEWAY_TIMEOUT_MS: '60000' } },
    gateway: {
      ...pod,
      enabled: true,
      replicas: 3,
      storage: { size: '20Gi', storageClassName: 'fast' },
      secretEnv: { ANTHROPIC_API_KEY: { secret: 'models', key: 'claude' } },
    },
    hosts: { ...pod, replicas: 5, storage: { size: '2Gi', storageClassName: 'fast' } },
    serviceAccount: { name: 'fleet', annotations: { 'example.com/role': 'fleet' } },
    ingress: {
      enabled: true,
      controller: 'traefik',
      className: 'traefik',
      serviceGateway: { enabled: true, host: 'skynet.example.com', paths: ['/v1/gateway'] },
    },
    httpRoute: {
      enabled: true,
      parentRefs: [{ name: 'shared', namespace: 'infra', sectionName: 'https' }],
      serviceGateway: { enabled: true },
    },
    networkPolicy: {
      ingressFrom: peers,
      database: { to: [{ ipBlock: { cidr: '10.1.2.0/24' } }], port: 6432 },
      gateways: [{ to: [{ ipBlock: { cidr: '10.9.0.0/16', except: ['10.9.1.0/24'] } }], port: 18789 }],
      extraEgress: {
        controlPlane: [{ to: peers, ports: [{ protocol: 'TCP', port: 4318 }] }],
        gateway: [{ ports: [{ protocol: 'TCP', port: 443 }] }],
        serviceGateway: [{ to: peers }],
        hosts: [{ ports: [{ protocol: 'TCP', port: 443 }] }],
      },
    },
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
    prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
  },
  'control planes alone': {
    migrations: { enabled: false },
    serviceGateway: { enabled: false },
    ingress: { serviceGateway: { enabled: false } },
    hosts: { enabled: false },
    networkPolicy: { enabled: false },
    serviceAccount: { create: false },
  },
  'an ingress without annotations or TLS': {
    ingress: { enabled: true, controller: 'none', tls: { enabled: false } },
    serviceAccount: { create: false, name: 'given' },
  },
  'an ingress for some paths': {
    ingress: {
      enabled: true,
      annotations: { 'nginx.ingress.kubernetes.io/proxy-read-timeout': '60' },
      controlPlane: { paths: ['/v1', '/livez'] },
    },
  },
};

/** The values that docs/kubernetes.md shows: its blocks of YAML all of whose keys are values of the chart. */
function shown(defaults) {
  const page = readFileSync(join(chart, '..', '..', '..', 'docs', 'kubernetes.md'), 'utf8');
  return [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)]
    .map(([, text]) => parse(text))
    .filter((values) => Object.keys(values).every((key) => key in defaults));
}

/** Names and values of all cases. */
export function matrix() {
  const defaults = parse(readFileSync(join(chart, 'values.yaml'), 'utf8'));
  return [
    ...shown(defaults).map((values) => ({
      name: `docs/kubernetes.md, ${Object.keys(values).join()}`,
      values,
    })),
    { name: 'defaults' },
    ...profiles.map((name) => ({ name: `profile ${name}`, files: [`profiles/${name}.yaml`] })),
    ...switches(defaults).map(([path, value]) => ({
      name: `${path}: ${value}`,
      values: companions[path] ?? at(path, value),
    })),
    ...profiles.flatMap((name) =>
      Object.entries(cases).map(([what, values]) => ({
        name: `profile ${name}, ${what}`,
        files: [`profiles/${name}.yaml`],
        values,
      })),
    ),
    ...Object.entries(cases).map(([name, values]) => ({ name, values })),
  ];
}
