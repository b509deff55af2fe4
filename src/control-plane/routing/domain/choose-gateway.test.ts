import { describe, expect, it } from '@jest/globals';
import { type Candidate, chooseGateway } from './choose-gateway.js';

const gateway = (gatewayId: string, more: Partial<Candidate> = {}): Candidate => ({
  gatewayId,
  host: '',
  protocol: 'skynet',
  serves: null,
  capabilities: ['execute_task'],
  inFlight: 0,
  maxInFlight: 2,
  lastUsedAt: null,
  ...more,
});
const anything = { preferredGatewayId: null, strict: false, requiredCapabilities: [] };
const choose = (candidates: Candidate[], wish = {}) =>
  chooseGateway(candidates, { ...anything, ...wish })?.gatewayId;

describe('the choice of a gateway', () => {
  it('takes the one with the fewest in flight, then the least recently used, then by name', () => {
    expect(choose([gateway('a', { inFlight: 1 }), gateway('b')])).toBe('b');
    expect(
      choose([gateway('a', { lastUsedAt: '2026-01-02' }), gateway('b', { lastUsedAt: '2026-01-01' })]),
    ).toBe('b');
    expect(choose([gateway('a', { lastUsedAt: '2026-01-02' }), gateway('b')])).toBe('b');
    expect(choose([gateway('b'), gateway('a')])).toBe('a');
  });

  it('prefers the preferred one, and insists on it only when strict', () => {
    const candidates = [gateway('a'), gateway('b', { inFlight: 1 })];
    expect(choose(candidates, { preferredGatewayId: 'b' })).toBe('b');
    expect(choose(candidates, { preferredGatewayId: 'c' })).toBe('a');
    expect(choose(candidates, { preferredGatewayId: 'c', strict: true })).toBeUndefined();
  });

  it('goes past those that are full or not able', () => {
    const full = gateway('a', { inFlight: 2 });
    expect(choose([full, gateway('b', { inFlight: 1 })], { preferredGatewayId: 'a' })).toBe('b');
    expect(choose([full], { preferredGatewayId: 'a', strict: true })).toBeUndefined();
    expect(choose([gateway('a')], { requiredCapabilities: ['gpu'] })).toBeUndefined();
  });

  it('leaves those that serve only some actions to these, unless somebody insists', () => {
    const turns = gateway('a', { serves: ['turn'], capabilities: ['turn'] });
    expect(choose([turns])).toBeUndefined();
    expect(choose([turns], { preferredGatewayId: 'a' })).toBeUndefined();
    expect(choose([turns, gateway('b', { inFlight: 1 })])).toBe('b');
    expect(choose([gateway('b'), turns], { requiredCapabilities: ['turn'] })).toBe('a');
    expect(choose([turns], { preferredGatewayId: 'a', strict: true })).toBe('a');
  });
});
