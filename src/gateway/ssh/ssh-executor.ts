import {
  type Execution,
  KeyedLock,
  type LeaseViolationPolicy,
  pathParams,
  refusalOfRequest,
  refusalOfTier,
  wantsConfirmation,
} from '../../actions/index.js';
import { limitSecondsOf } from '../../contracts/actions.js';
import { type Logger } from '../../platform/logging/logger.js';
import { productVersion } from '../../platform/product-version.js';
import { type Executor, type ExecutorAnswer, type Session } from '../executors/executor.js';
import { type SshLink } from './connection/link.js';
import { TransportError } from './connection/transport-error.js';
import { Aborted, untilAborted } from '../../platform/until-aborted.js';
import { gatewayActions, type RemoteAction } from './domain/remote-actions.js';
import { remoteActions, RemoteHost, type Visit } from './remote/remote-host.js';
import { type EndReason, failure, killed } from './remote/run-command.js';
import { withinLimit } from './remote/time-limit.js';
import { type SshTarget } from './ssh.config.js';

/** Actions with a longer limit than this have it for themselves. */
const USUAL_LIMIT_SECONDS = 120;

export interface SshExecutorParts {
  readonly target: SshTarget;
  readonly link: SshLink;
  readonly logger: Logger;
  /** Who carries out what needs nothing of the host. */
  readonly gateway: Pick<Executor, 'run'>;
  readonly leaseViolationPolicy: LeaseViolationPolicy;
}

/**
 * Executes actions on a host behind SSH. It is there as soon as it is configured: a host that does not answer at the
 * moment is no reason to carry its actions out on another machine.
 */
export class SshExecutor implements Executor {
  readonly name = 'ssh';
  readonly id: string;
  private readonly host: RemoteHost;
  private readonly locks = new KeyedLock();

  private readonly target: SshTarget;
  private readonly link: SshLink;
  private readonly logger: Logger;
  private readonly gateway: Pick<Executor, 'run'>;

  constructor({ target, link, logger, gateway, leaseViolationPolicy }: SshExecutorParts) {
    this.target = target;
    this.link = link;
    this.logger = logger;
    this.gateway = gateway;
    this.id = `ssh ${target.user}@${target.host}:${target.port}`;
    this.host = new RemoteHost(target, leaseViolationPolicy);
  }

  isReady(): boolean {
    return true;
  }

  isRepeatable(action: string): boolean {
    return remoteAction(action)?.repeatable === true;
  }

  sessions(): readonly Session[] {
    const session = this.link.connected;
    if (session === undefined) return [];
    return [
      {
        sessionId: this.name,
        agentVersion: productVersion,
        capabilities: Object.keys(remoteActions).sort(),
        connectedAt: session.connectedAt,
        lastSeen: new Date(),
      },
    ];
  }

  /**
   * In the order of the checks: tier, parameters, paths, confirmation. Paths that cannot be judged because the host does
   * not answer are judged when the action runs, which says why it cannot.
   */
  async refusalOf(execution: Execution): Promise<string | null> {
    const { action, params, confirmed } = execution;
    // What cannot be done there says so when it runs, whatever its parameters are.
    const ofRequest =
      remoteAction(action) === undefined ? refusalOfTier(action) : refusalOfRequest(action, params);
    if (ofRequest !== null) return ofRequest;
    const ofPaths = await this.refusalOfPaths(execution);
    if (ofPaths !== null) return ofPaths;
    return !confirmed && wantsConfirmation(action) ? 'Confirmation required.' : null;
  }

  async run(execution: Execution, signal: AbortSignal): Promise<ExecutorAnswer> {
    const { action } = execution;
    if (remoteAction(action) === undefined) {
      const result = failure(`Action '${action}' is not supported in SSH tunnel mode.`);
      return { kind: 'executed', result };
    }
    if (Object.hasOwn(gatewayActions, action)) return this.gateway.run(execution, signal);
    const limitSeconds = this.limitSecondsOf(execution);
    let visit: Visit | undefined;
    try {
      const session = await untilAborted(this.link.session(), signal);
      const resource = await withinLimit(signal, this.lookSeconds, (limits) =>
        this.host.resourceOf({ session, limits, begun: false }, execution.params),
      );
      return await this.locks.run(resource === undefined ? [] : [resource], () =>
        session.slots.run(
          () =>
            withinLimit(signal, limitSeconds, async (limits) => {
              visit = { session, limits, begun: false };
              const result = await this.host.carryOut(visit, execution);
              return typeof result === 'string'
                ? { kind: 'refused', error: result }
                : { kind: 'executed', result };
            }),
          signal,
        ),
      );
    } catch (error) {
      return this.answerOf(error, action, limitSeconds, visit?.begun === true);
    }
  }

  /** What an action answers that did not come to an end of its own. */
  private answerOf(error: unknown, action: string, limitSeconds: number, begun: boolean): ExecutorAnswer {
    if (error instanceof Aborted) {
      const reason = error.reason as EndReason;
      if (begun) return { kind: 'executed', result: killed(reason, limitSeconds) };
      if (reason !== 'time limit') return { kind: 'halted' };
      return this.unanswered(action, new TransportError('the host does not answer', false));
    }
    if (error instanceof TransportError) return this.unanswered(action, error);
    return { kind: 'executed', result: failure(error instanceof Error ? error.message : String(error)) };
  }

  private unanswered(action: string, error: TransportError): ExecutorAnswer {
    this.logger.debug({ err: error, action }, 'An action was not answered over SSH.');
    const { message } = error;
    return error.mayHaveBegun
      ? {
          kind: 'unanswered',
          httpStatus: 504,
          error: message,
          outcome: 'unknown',
        }
      : { kind: 'unanswered', httpStatus: 503, error: message, outcome: 'not_executed' };
  }

  private async refusalOfPaths({ params }: Execution): Promise<string | null> {
    if (pathParams(params).length === 0) return null;
    try {
      return await withinLimit(new AbortController().signal, this.lookSeconds, async (limits) => {
        const session = await untilAborted(this.link.session(), limits.signal);
        return this.host.refusalOfPaths({ session, limits, begun: false }, params);
      });
    } catch (error) {
      this.logger.debug({ err: error }, 'The paths of an action cannot be judged yet.');
      return null;
    }
  }

  /** How long a look at the host's files may take: as long as a connection, and once more. */
  private get lookSeconds(): number {
    return (2 * this.target.connectTimeoutMs) / 1_000;
  }

  private limitSecondsOf({ action, params }: Execution): number {
    const limit = limitSecondsOf(action, params);
    return limit > USUAL_LIMIT_SECONDS ? limit : Math.min(limit, this.target.commandTimeoutSeconds);
  }
}

const remoteAction = (action: string): RemoteAction | undefined =>
  Object.hasOwn(remoteActions, action) ? remoteActions[action] : undefined;
