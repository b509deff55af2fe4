import { describe, expect, it } from '@jest/globals';
import { readServices } from './service-list.js';

const running = (endpoint: string, more: object = {}) => ({
  hostId: 'host_1',
  status: 'running',
  endpoint,
  generation: 1,
  restarts: 0,
  ...more,
});
const service = (id: string, assignments: unknown[], more: object = {}) => ({
  id,
  name: `name-${id}`,
  status: 'running',
  assignments,
  ...more,
});

describe('the list of services', () => {
  it('has the running endpoints of services that are not stopped', () => {
    const { services } = readServices([
      service('a', [
        running('http://10.0.0.1:1'),
        running('http://10.0.0.2:1', { status: 'pending' }),
        { status: 'running' },
      ]),
      service('b', [], { status: 'pending', healthPath: '/live' }),
      service('c', [running('http://10.0.0.3:1')], { status: 'stopped' }),
      { id: 'd' },
      null,
    ]);
    expect(services.map(({ id, healthPath }) => [id, healthPath])).toEqual([
      ['a', undefined],
      ['b', '/live'],
    ]);
    expect(services[0]?.endpoints.map(({ address }) => address.origin)).toEqual(['http://10.0.0.1:1']);
  });

  it('tells a process from the one before it at the same address', () => {
    const keys = [{}, {}, { restarts: 1 }, { generation: 2 }].map(
      (more) =>
        readServices([service('a', [running('http://10.0.0.1:1', more)])]).services[0]?.endpoints[0]?.key,
    );
    expect(new Set(keys).size).toBe(3);
  });

  it('says which endpoints it leaves out', () => {
    const { services, refused } = readServices([service('a', [running('http://169.254.169.254')])]);
    expect(services[0]?.endpoints).toEqual([]);
    expect(refused).toEqual(['An endpoint of service name-a is not proxied to: a linkLocal address.']);
  });
});
