import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { capabilitiesFor, limitSecondsOf } from '../../contracts/actions.js';
import { type JsonObject } from '../../platform/database/row.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import { type DispatchOutcome, type GatewayAddress, GatewayClient } from '../gateway-client/index.js';
import { LedgerReader, taskIds } from '../ledger/index.js';
import { type Gateway, RegistryService, roomOf } from '../registry/index.js';
import { CONFIG } from '../runtime/index.js';
import { type Candidate, chooseGateway } from './domain/choose-gateway.js';

/** Beyond the action's own limit, for the way there and back. */
const GRACE_SECONDS = 10;
/** A direct call whose outcome is unknown is sent again with the same key so many times. */
const MAX_SENDS = 3;

export interface DirectCall {
  readonly action: string;
  readonly params: JsonObject;
  readonly gatewayId: string | null;
  readonly gatewayStrict: boolean;
  readonly confirmed: boolean;
}

/**
 * What makes a direct call repeatable: the same ids lead the gateway to the same execution. `gatewayId` is there as soon
 * as one may have executed it: no other may be asked then.
 */
export type CallIds = JsonObject & {
  readonly taskId: string;
  readonly executionKey: string;
  readonly gatewayId?: string;
};

/** Where the ids are kept for a repetition of the call. */
export interface CallMemory {
  readonly value: CallIds;
  add(fields: Partial<CallIds>): Promise<CallIds>;
  drop(field: 'gatewayId'): Promise<void>;
}

export interface DirectResult {
  readonly taskId: string;
  readonly gatewayId: string;
  readonly gatewayHost: string;
  readonly status: string;
  readonly result: JsonObject;
}

type Wish = Pick<DirectCall, 'gatewayId' | 'gatewayStrict'>;

/** Which gateway takes what, and calls that go to one directly, past the ledger. */
@Injectable()
export class RoutingService {
  /** Direct calls of this process, by gateway; the ledger counts the dispatched tasks of all replicas. */
  private readonly direct = new Map<string, number>();

  constructor(
    private readonly registry: RegistryService,
    private readonly ledger: LedgerReader,
    private readonly client: GatewayClient,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  /** How long a gateway may take to answer for an action, in milliseconds. */
  static timeoutMsOf(action: string, params: JsonObject): number {
    return (limitSecondsOf(action, params) + GRACE_SECONDS) * 1_000;
  }

  static newCallIds(taskId: string | null): CallIds {
    const id = taskId?.trim() ?? '';
    return {
      taskId: id === '' ? taskIds.next() : id,
      executionKey: randomBytes(16).toString('hex'),
    };
  }

  /** The usable gateways with their load, as {@link chooseGateway} wants them. */
  async candidates(): Promise<Candidate[]> {
    const [gateways, inFlight] = await Promise.all([
      this.registry.listUsableGateways(),
      this.ledger.inFlightByGateway(),
    ]);
    return gateways.map(({ gatewayId, host, protocol, capabilities, lastUsedAt, slots }) => ({
      gatewayId,
      host,
      protocol,
      serves: this.client.serves(protocol),
      capabilities,
      lastUsedAt,
      inFlight: (inFlight.get(gatewayId) ?? 0) + (this.direct.get(gatewayId) ?? 0),
      maxInFlight: roomOf(slots, this.config.scheduler.maxInFlightPerGateway),
    }));
  }

  /** Executes an action on a gateway now and waits for its end. The ledger knows nothing of it. */
  async call(call: DirectCall, memory: CallMemory): Promise<DirectResult> {
    const { taskId } = memory.value;
    const gateway = await this.gatewayFor(call, memory);
    const { gatewayId, host } = gateway;
    this.direct.set(gatewayId, (this.direct.get(gatewayId) ?? 0) + 1);
    try {
      await this.registry.markGatewaysUsed([gatewayId]);
      const isRepeated = memory.value.gatewayId !== undefined;
      const { outcome, wasUnknown } = await this.send(gateway, call, memory.value, isRepeated);
      // Not after an attempt that may have run, this time or before: unless the gateway says that the key has not.
      const mayHaveRun = wasUnknown || isRepeated;
      if (outcome.kind === 'not-executed' && (outcome.ofKey || !mayHaveRun)) await memory.drop('gatewayId');
      if (outcome.kind === 'succeeded' || outcome.kind === 'failed') {
        if (outcome.kind === 'failed' && outcome.refused) throw executionFailed(gatewayId, outcome.error);
        const status = outcome.result['status'];
        return {
          taskId,
          gatewayId,
          gatewayHost: host,
          status: typeof status === 'string' ? status : 'unknown',
          result: outcome.result,
        };
      }
      throw await this.failure(gateway, outcome);
    } finally {
      this.direct.set(gatewayId, (this.direct.get(gatewayId) ?? 1) - 1);
    }
  }

  /** The gateway that may execute the call, committed before it is asked. */
  private async gatewayFor(call: DirectCall, memory: CallMemory): Promise<Candidate> {
    // Somebody waits for this call; a limit that is meant for queued work must not turn it away.
    const unlimited = (await this.candidates()).map((entry) => ({ ...entry, maxInFlight: Infinity }));
    const choose = (wish: Wish): Candidate | undefined =>
      chooseGateway(unlimited, {
        preferredGatewayId: wish.gatewayId,
        strict: wish.gatewayStrict && wish.gatewayId !== null,
        requiredCapabilities: capabilitiesFor(call.action),
      });
    const bound = (gatewayId: string): Wish => ({ gatewayId, gatewayStrict: true });
    const wish = memory.value.gatewayId === undefined ? call : bound(memory.value.gatewayId);
    const first = choose(wish);
    if (first === undefined) throw await this.refusal(wish);
    const { gatewayId = first.gatewayId } = await memory.add({ gatewayId: first.gatewayId });
    const gateway = gatewayId === first.gatewayId ? first : choose(bound(gatewayId));
    if (gateway === undefined) throw await this.refusal(bound(gatewayId));
    return gateway;
  }

  private async send(
    gateway: GatewayAddress,
    call: DirectCall,
    { taskId, executionKey }: CallIds,
    isRepeated: boolean,
  ): Promise<{ readonly outcome: DispatchOutcome; readonly wasUnknown: boolean }> {
    const timeoutMs = RoutingService.timeoutMsOf(call.action, call.params);
    const end = performance.now() + timeoutMs;
    const { action, params, confirmed } = call;
    const order = { action, params, confirmed, taskId, key: executionKey };
    let wasUnknown = false;
    for (let sends = 1; ; sends++) {
      const options = { timeoutMs: Math.max(1, end - performance.now()) };
      const outcome: DispatchOutcome =
        isRepeated || wasUnknown
          ? await this.client.askAgain(gateway, order, options)
          : await this.client.execute(gateway, order, options);
      wasUnknown ||= outcome.kind === 'unknown';
      if (outcome.kind !== 'unknown' || sends >= MAX_SENDS || performance.now() >= end) {
        return { outcome, wasUnknown };
      }
    }
  }

  private async failure(
    gateway: GatewayAddress,
    outcome: Extract<DispatchOutcome, { kind: 'not-executed' | 'unknown' }>,
  ): Promise<Problem> {
    const { gatewayId } = gateway;
    if (outcome.transport) {
      await this.registry.recordTransportFailure(gateway, outcome.error);
      return new Problem('gateway-unreachable', `Gateway ${gatewayId} unreachable: ${outcome.error}`);
    }
    if (outcome.error.startsWith('No agent connected')) {
      this.registry.requestProbe();
      return new Problem(
        'gateway-without-agent',
        `Gateway ${gatewayId} is online but has no connected agent`,
      );
    }
    return executionFailed(gatewayId, outcome.error);
  }

  /** Why no gateway was found: the one that was asked for may be known and in trouble. */
  private async refusal({ gatewayId, gatewayStrict }: Wish): Promise<Problem> {
    const gateways = await this.registry.listGateways();
    const isOne = gatewayId !== null && gatewayStrict;
    const asked = isOne ? gateways.filter((entry) => entry.gatewayId === gatewayId) : gateways;
    const paused = asked.filter(({ pausedAt }) => pausedAt !== null);
    if (paused.length > 0) return new Problem('no-gateway', whyPaused(paused));
    const wanted = isOne ? asked[0] : undefined;
    if (wanted?.status === 'offline') {
      return new Problem(
        'gateway-unreachable',
        `Gateway ${wanted.gatewayId} unreachable: ${wanted.statusReason}`,
      );
    }
    if (wanted?.status === 'degraded') {
      return new Problem(
        'gateway-without-agent',
        `Gateway ${wanted.gatewayId} is online but has no connected agent`,
      );
    }
    return new Problem('no-gateway', 'No healthy gateway available');
  }
}

/** Paused gateways that one answer names. */
const MOST_NAMED = 5;

function whyPaused(paused: readonly Gateway[]): string {
  const named = paused
    .slice(0, MOST_NAMED)
    .map(({ gatewayId, pauseReason }) => `'${gatewayId}' is paused${pauseReason ? ` (${pauseReason})` : ''}`);
  const more = paused.length - named.length;
  return `No healthy gateway available: ${named.join(', ')}${more > 0 ? ` and ${more} more are` : ''}`;
}

function executionFailed(gatewayId: string, error: string): Problem {
  return new Problem('gateway-execution-failed', `Gateway ${gatewayId} execution failed: ${error}`);
}
