import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { type Json } from '../support/json.js';
import { serviceRecord } from './records.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterEach(() => api.query('truncate services, service_generations, service_assignments, imported_records'));
afterAll(() => api.close());

const send = (services: readonly Json[]) =>
  api.post('/v1/replicate/snapshot', { nodeId: 'old-node', hosts: [], jobs: [], services });
const at = (day: number) => ({ createdAt: `2026-01-0${day}T00:00:00.000Z`, name: 'web' });

async function names(): Promise<Record<string, string>> {
  const { body } = await api.fetch('/v1/services');
  return Object.fromEntries(body.services.map(({ id, name, status }: Json) => [id, `${name}: ${status}`]));
}

describe('services of a snapshot that have one name', () => {
  it('are all taken: the newest that is to run keeps it, the others get their ids beside it', async () => {
    const { body, status } = await send([
      serviceRecord('first', at(1)),
      serviceRecord('second', { ...at(2), status: 'failed' }),
      serviceRecord('third', { ...at(3), status: 'pending' }),
      serviceRecord('last', { ...at(4), status: 'stopped' }),
    ]);
    expect({ status, body }).toMatchObject({ status: 200, body: { changed: true, remarkCount: 3 } });
    expect(body.remarks).toContainEqual({
      ...{ kind: 'service', id: 'second' },
      text: "imported as 'web (second)', stopped, since it had failed: another service has the name 'web'",
    });
    expect(await names()).toEqual({
      first: 'web (first): pending',
      second: 'web (second): stopped',
      third: 'web: pending',
      last: 'web (last): stopped',
    });
  });

  it('stay as they are when the same comes again, and keep their names when something newer does', async () => {
    const records = [serviceRecord('first', at(1)), serviceRecord('second', at(2))];
    await send(records);
    expect((await send(records)).body).toMatchObject({ changed: false, remarks: [] });
    const newer = [serviceRecord('first', { ...at(1), version: 9, command: 'other' }), records[1]];
    expect((await send(newer)).body).toMatchObject({ changed: true, remarkCount: 1 });
    expect(await names()).toEqual({ first: 'web (first): pending', second: 'web: pending' });
  });

  it('leave the name to a service that is here', async () => {
    await api.post('/v1/services', { serviceId: 'native', name: 'web', command: 'node' });
    expect((await send([serviceRecord('x'.repeat(200), at(1))])).status).toBe(200);
    expect(await names()).toEqual({
      native: 'web: pending',
      ['x'.repeat(200)]: `${'x'.repeat(200)}: pending`,
    });
  });
});

it('brings all that a service of another control plane is', async () => {
  const source = await startTestControlPlane();
  try {
    const wish = { command: 'node', healthPath: '/ok', image: 'img', network: true, maxPerHost: 3 };
    await source.post('/v1/services', { serviceId: 's', name: 's', replicas: 0, ...wish });
    await source.post('/v1/services', { serviceId: 'secret', name: 'secret', command: 'x', env: { A: 'b' } });
    const { body: state } = await source.fetch('/v1/state');
    const { body } = await api.post('/v1/replicate/snapshot', state);
    expect(body).toMatchObject({
      ok: true,
      remarks: [
        {
          kind: 'service',
          id: 'secret',
          text: 'left out: env hides the value of A; deploy the service anew instead',
        },
      ],
    });
    const { service } = (await api.fetch('/v1/services/s')).body;
    expect(service).toMatchObject({ replicas: 0, status: 'stopped', ...wish });
    const scaled = await api.call('PATCH', '/v1/services/s', { replicas: 1 });
    expect(scaled.body.service).toMatchObject({ replicas: 1, status: 'pending' });
  } finally {
    await source.close();
  }
});
