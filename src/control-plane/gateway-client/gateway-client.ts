import { lookup as dnsLookup } from 'node:dns';
import { Injectable } from '@nestjs/common';
import ipaddr from 'ipaddr.js';
import { hostName, refusalOfAddress } from '../../platform/addresses/domain/address.js';
import { type Db } from '../../platform/database/database.js';
import { type DispatchOutcome } from './domain/outcome.js';
import {
  type ApprovalOutcome,
  type AttemptOptions,
  type ExecutionOrder,
  type GatewayAddress,
  type GatewayProtocol,
  type GatewayProtocolName,
  type GivenCredential,
  type ProbeResult,
  type UnsettledExecution,
} from './gateway-protocol.js';
import { OpenClawProtocol } from './openclaw/openclaw-protocol.js';
import { SkynetProtocol } from './skynet/skynet-protocol.js';

/** The way to every gateway, whatever it speaks: the one place that tells protocols apart. */
@Injectable()
export class GatewayClient {
  private readonly protocols: Readonly<Record<GatewayProtocolName, GatewayProtocol>>;

  constructor(skynet: SkynetProtocol, openclaw: OpenClawProtocol) {
    this.protocols = { skynet, openclaw };
  }

  /** The actions that gateways of a protocol serve, and no others; null: all but those of other protocols. */
  serves(protocol: GatewayProtocolName): readonly string[] | null {
    return this.protocols[protocol].serves;
  }

  /** See {@link GatewayProtocol.admit}. What the same id was registered with under another protocol is forgotten. */
  async admit(db: Db, gateway: GatewayAddress, credential: GivenCredential | null): Promise<void> {
    for (const [name, protocol] of Object.entries(this.protocols)) {
      if (name !== gateway.protocol) await protocol.forget(db, gateway.gatewayId);
    }
    await this.protocols[gateway.protocol].admit(db, gateway, credential);
  }

  probe(gateway: GatewayAddress): Promise<ProbeResult> {
    return this.protocols[gateway.protocol].probe(gateway);
  }

  silence(gateway: GatewayAddress, reason: string): Promise<ProbeResult> {
    return this.protocols[gateway.protocol].silence(gateway, reason);
  }

  execute(gateway: GatewayAddress, order: ExecutionOrder, options: AttemptOptions): Promise<DispatchOutcome> {
    return this.protocols[gateway.protocol].execute(gateway, order, options);
  }

  askAgain(
    gateway: GatewayAddress,
    order: ExecutionOrder,
    options: AttemptOptions,
  ): Promise<DispatchOutcome> {
    return this.protocols[gateway.protocol].askAgain(gateway, order, options);
  }

  settled(gateway: GatewayAddress, key: string): Promise<void> {
    return this.protocols[gateway.protocol].settled(key);
  }

  approve(gateway: GatewayAddress, approvalId: string, decision: string): Promise<ApprovalOutcome> {
    return this.protocols[gateway.protocol].approve(gateway, approvalId, decision);
  }

  /** See {@link GatewayProtocol.unsettled}. */
  async unsettled(limit: number): Promise<readonly UnsettledExecution[]> {
    const lists = await Promise.all(
      Object.values(this.protocols).map((protocol) => protocol.unsettled(limit)),
    );
    return lists.flat();
  }

  /** See {@link GatewayProtocol.cancel}. */
  cancel(gateway: GatewayAddress, key: string): Promise<void> {
    return this.protocols[gateway.protocol].cancel(gateway, key);
  }

  /** See {@link GatewayProtocol.suspend}. */
  suspend(gateway: GatewayAddress): Promise<boolean> {
    return this.protocols[gateway.protocol].suspend(gateway);
  }

  /** See {@link GatewayProtocol.unsuspend}. */
  unsuspend(gateway: GatewayAddress): Promise<void> {
    return this.protocols[gateway.protocol].unsuspend(gateway);
  }

  /** See {@link GatewayProtocol.suspended}. */
  async suspended(): Promise<ReadonlySet<string>> {
    const lists = await Promise.all(Object.values(this.protocols).map((protocol) => protocol.suspended()));
    return new Set(lists.flat());
  }
}

/** Why the present addresses of a host may not be called; null when they may, or when there are none yet. */
export async function refusalOfHost(host: string): Promise<string | null> {
  const name = hostName(new URL(host));
  if (ipaddr.isValid(name)) return refusalOfAddress(name);
  return new Promise((resolve) => {
    dnsLookup(name, { all: true }, (error, addresses) => {
      // A name that does not resolve is accepted: it is offline until it does, and is judged at every connection.
      const refusals = error === null ? addresses.map(({ address }) => refusalOfAddress(address)) : [];
      resolve(refusals.find((reason) => reason !== null) ?? null);
    });
  });
}
