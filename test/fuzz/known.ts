/**
 * What was prepared and can be named in a request, by kind. Entries of one place belong together where the kinds do: the
 * third `heldToken` is the claim token of the third `heldTask`.
 */
export type Pool = Readonly<Record<Kind, readonly string[]>>;

export const kinds = [
  ...(['task', 'heldTask', 'heldToken', 'heldWorker', 'worker', 'project', 'path', 'capability'] as const),
  ...(['job', 'heldJob', 'leaseToken', 'leaseHost', 'host', 'service', 'gateway', 'gatewayUrl'] as const),
  ...(['schedule', 'apiKey', 'publicKey', 'publicJob', 'webhook', 'delivery', 'receiverUrl'] as const),
] as const;

export type Kind = (typeof kinds)[number];

/** Stands in a request for something that is known only when it is sent. */
export const symbolOf = (kind: Kind, place: number): string => `{{${kind}:${place}}}`;

/** Puts in what the symbols of a text stand for; with a pin all of the same place. */
export function resolveSymbols(text: string, pool: Pool, pin: number | null): string {
  return text.replaceAll(/\{\{(\w+):(\d+)\}\}/g, (_, kind: Kind, place: string) => {
    const known = pool[kind];
    return known[(pin ?? Number(place)) % Math.max(1, known.length)] ?? 'none';
  });
}

/** Which kind of thing a path or query parameter names, by the path that it is in. */
export function kindOfId(path: string, name: string): Kind {
  if (name === 'deliveryId') return 'delivery';
  if (/tasks\/\{id\}\/(start|renew|complete|release)/.test(path)) return 'heldTask';
  if (/jobs\/\{id\}\/(renew|complete|logs)/.test(path)) return 'heldJob';
  const [, collection = ''] = /^\/v1\/((?:public\/)?[\w-]+)/.exec(path) ?? [];
  return COLLECTIONS[collection] ?? 'task';
}

const COLLECTIONS: Readonly<Record<string, Kind>> = {
  ...{ jobs: 'job', hosts: 'host', services: 'service', gateways: 'gateway', projects: 'project' },
  ...{ schedules: 'schedule', keys: 'apiKey', 'public-keys': 'publicKey', 'public/jobs': 'publicJob' },
  ...{ webhooks: 'webhook', workers: 'worker' },
};
