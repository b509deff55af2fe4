import { type Service } from '../../contracts/skyclaw.js';
import { closestName } from '../../platform/config/closest-name.js';
import { UsageError } from '../terminal.js';
import { type Coordinator } from './coordinator.js';

/** The service with this id, else the one with this name; of several with one name, the one that is not stopped. */
export async function findService(coordinator: Coordinator, idOrName: string): Promise<Service | undefined> {
  return choose((await coordinator.services()).services, idOrName);
}

/** The same, or a sentence that names the closest one there is. */
export async function getService(coordinator: Coordinator, idOrName: string): Promise<Service> {
  const { services } = await coordinator.services();
  const service = choose(services, idOrName);
  if (service !== undefined) return service;
  const close = closestName(
    idOrName,
    services.map(({ name }) => name),
  );
  throw new UsageError(
    `no service is called ${idOrName}${close === undefined ? '' : `\nDid you mean ${close}?`}`,
  );
}

function choose(services: readonly Service[], idOrName: string): Service | undefined {
  const byId = services.find(({ id }) => id === idOrName);
  if (byId !== undefined) return byId;
  const named = services.filter(({ name }) => name === idOrName);
  const alive = named.filter(({ status }) => status !== 'stopped');
  const [first, ...others] = alive.length > 0 ? alive : named;
  if (others.length > 0) {
    const ids = named.map(({ id }) => id).join(', ');
    throw new UsageError(`several services were called ${idOrName}; name one by its id: ${ids}`);
  }
  return first;
}
