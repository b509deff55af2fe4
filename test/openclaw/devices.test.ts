import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Connection } from '../../src/control-plane/gateway-client/openclaw/connection.js';
import { newDevice } from '../../src/control-plane/gateway-client/openclaw/device.js';
import { probeOfFailure } from '../../src/control-plane/gateway-client/openclaw/links.js';
import { FakeOpenClaw, TOKEN } from './fake-openclaw.js';

let claw: FakeOpenClaw;
beforeEach(async () => {
  claw = await FakeOpenClaw.start();
  claw.needsDevice = true;
});
afterEach(() => claw.kill());

const device = newDevice();
const open = () =>
  Connection.open(claw.url, {
    access: { credential: TOKEN, device, deviceToken: null, isStarting: false },
    scopes: ['operator.read', 'operator.write'],
    caps: [],
    signal: AbortSignal.timeout(20_000),
  });

describe('a gateway on another machine', () => {
  it('gets the proof of a device, says how to approve it, and lets it in then', async () => {
    const refused = await open().catch((error: unknown) => error);
    const { id } = claw.requests.at(-1)?.params['device'] as { id: string };
    expect(probeOfFailure(refused)).toEqual({
      kind: 'not-ready',
      reason: `This control plane is not paired with the gateway; run: openclaw devices approve request-${id.slice(0, 8)}`,
    });
    claw.approvedDevices.add(id);
    const connection = await open();
    expect(connection.deviceToken).toBe('device-token-1');
    connection.close();
  });
});
