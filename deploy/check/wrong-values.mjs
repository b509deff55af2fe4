// Values that must be refused, each with what helm has to say about it.
import { template } from './render.mjs';

const wrong = [
  [
    'a name that is no value',
    { controlPlane: { replica: 3 } },
    "additional properties 'replica' not allowed",
  ],
  ['one at the top', { replicas: 3 }, "additional properties 'replicas' not allowed"],
  ['no replicas', { controlPlane: { replicas: 0 } }, "at '/controlPlane/replicas': minimum: got 0, want 1"],
  [
    'a text for a number',
    { controlPlane: { replicas: 'two' } },
    "at '/controlPlane/replicas': got string, want integer",
  ],
  ['half a replica', { hosts: { replicas: 1.5 } }, "at '/hosts/replicas': got number, want integer"],
  [
    'a text for a switch',
    { gateway: { enabled: 'yes please' } },
    "at '/gateway/enabled': got string, want boolean",
  ],
  [
    'another controller',
    { ingress: { controller: 'apache' } },
    "at '/ingress/controller': value must be one of 'nginx', 'traefik', 'none'",
  ],
  [
    'an impossible quantity',
    { hosts: { storage: { size: 'much' } } },
    "at '/hosts/storage/size': 'much' does not match pattern",
  ],
  [
    'a quantity as a number',
    { hosts: { storage: { size: 5 } } },
    "at '/hosts/storage/size': got number, want string",
  ],
  ['a log level that is none', { logLevel: 'LOUD' }, "at '/logLevel': value must be one of 'DEBUG', 'INFO'"],
  [
    'a setting that is no text',
    { env: { SKYNET_GATEWAY_PROBE_SECS: 5 } },
    "at '/env/SKYNET_GATEWAY_PROBE_SECS': got number, want string",
  ],
  ['a setting with a wrong name', { env: { 'skynet-port': '1' } }, "invalid propertyName 'skynet-port'"],
  ['a secret in the open', { env: { SKYNET_API_KEY: 'x' } }, 'is a secret; take it from one by secretEnv'],
  [
    'a database in the open',
    { migrations: { enabled: false }, controlPlane: { env: { DATABASE_URL: 'x' } } },
    'DATABASE_URL of controlPlane is a secret',
  ],
  [
    'a setting that the chart sets',
    { controlPlane: { env: { SKYNET_PORT: '9000' } } },
    'SKYNET_PORT of controlPlane is set by the chart',
  ],
  [
    'a setting twice',
    { hosts: { env: { SKYCLAW_PASS_ENV: 'A' }, secretEnv: { SKYCLAW_PASS_ENV: { secret: 'a', key: 'b' } } } },
    'SKYCLAW_PASS_ENV of hosts is given both',
  ],
  [
    'a secret without its key',
    { secretEnv: { SKYCLAW_PUBLIC_API_KEYS: { secret: 'a' } } },
    "missing property 'key'",
  ],
  ['no database', { database: { existingSecret: '' } }, "at '/database/existingSecret'"],
  [
    'a URL for a secret',
    { database: { existingSecret: 'postgres://u:p@h/d' } },
    "at '/database/existingSecret'",
  ],
  ['latest', { image: { tag: 'latest' } }, 'latest may be another program tomorrow'],
  ['half a digest', { image: { digest: 'sha256:1234' } }, "at '/image/digest'"],
  ['a tag in the name', { image: { repository: 'Skynet!' } }, "at '/image/repository'"],
  [
    'a gateway that is no URL',
    { controlPlane: { gatewayUrls: ['claw:18789'] } },
    "at '/controlPlane/gatewayUrls/0'",
  ],
  [
    'a proxy by name',
    { controlPlane: { trustedProxies: ['ingress'] } },
    "at '/controlPlane/trustedProxies/0'",
  ],
  [
    'fewer at most than at least',
    { controlPlane: { autoscaling: { enabled: true, minReplicas: 5, maxReplicas: 2 } } },
    'minReplicas is larger than maxReplicas',
  ],
  [
    'a budget that stops every drain',
    { controlPlane: { podDisruptionBudget: { maxUnavailable: 0 } } },
    "at '/controlPlane/podDisruptionBudget/maxUnavailable'",
  ],
  [
    'a route without a gateway',
    { httpRoute: { enabled: true } },
    "at '/httpRoute/parentRefs': minItems: got 0, want 1",
  ],
  [
    'a host name with a scheme',
    { ingress: { controlPlane: { host: 'https://x.example' } } },
    "at '/ingress/controlPlane/host'",
  ],
  [
    'a path without its slash',
    { ingress: { controlPlane: { paths: ['v1'] } } },
    "at '/ingress/controlPlane/paths/0'",
  ],
  [
    'services outside that are not inside',
    { serviceGateway: { enabled: false }, ingress: { enabled: true, serviceGateway: { enabled: true } } },
    'ingress.serviceGateway.enabled needs serviceGateway.enabled',
  ],
  [
    'routes to services that are not there',
    {
      serviceGateway: { enabled: false },
      httpRoute: { enabled: true, parentRefs: [{ name: 'a' }], serviceGateway: { enabled: true } },
    },
    'httpRoute.serviceGateway.enabled needs serviceGateway.enabled',
  ],
  [
    'streams of a second',
    { ingress: { timeoutSeconds: 1 } },
    "at '/ingress/timeoutSeconds': minimum: got 1, want 60",
  ],
  [
    'a port beyond all ports',
    { networkPolicy: { database: { port: 70000 } } },
    "at '/networkPolicy/database/port': maximum: got 70,000, want 65,535",
  ],
  [
    'gateways anywhere',
    { networkPolicy: { gateways: [{ to: [], port: 1 }] } },
    "at '/networkPolicy/gateways/0/to': minItems: got 0, want 1",
  ],
  [
    'a peer that is none',
    { networkPolicy: { ingressFrom: [{ cidr: '10.0.0.0/8' }] } },
    "at '/networkPolicy/ingressFrom/0': additional properties 'cidr' not allowed",
  ],
  [
    'privileges',
    { controlPlane: { securityContext: { privileged: true } } },
    "additional properties 'securityContext' not allowed",
  ],
];

export const wrongCount = wrong.length;

/** Wrong values that were taken, or refused with other words. */
export function complaintsOfWrongValues() {
  return wrong.flatMap(([name, values, words]) => {
    const { ok, said } = template({ values });
    if (ok) return [`${name} is taken: ${JSON.stringify(values)}`];
    return said.includes(words) ? [] : [`${name} is refused with other words than "${words}": ${said}`];
  });
}
