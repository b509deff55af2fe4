import { type Executor } from './executor.js';

/** Agents that come and go. */
export interface AgentSource {
  /** The one that is connected. */
  readonly connected: Executor | undefined;
  /** Tells it, and whoever comes later, whether the emergency stop holds. */
  heedStop(stopped: boolean): void;
}

export interface ExecutorsOptions {
  /** Absent: no agent can connect. */
  readonly agents?: AgentSource;
  /** The way through SSH, for when no agent is connected. Absent: there is none. */
  readonly ssh?: Executor;
  /** Everything goes through SSH, and nothing when it is not there. */
  readonly sshOnly?: boolean;
  /** The gateway's own machine. */
  readonly local: Executor;
}

/** Everybody who executes actions. */
export class Executors {
  constructor(private readonly options: ExecutorsOptions) {}

  /** Those who are there, in the order of preference: a connected agent, SSH, this machine; with `sshOnly` SSH alone. */
  get present(): readonly Executor[] {
    const { agents, ssh, sshOnly = false, local } = this.options;
    const inOrder = sshOnly ? [ssh] : [agents?.connected, ssh, local];
    return inOrder.filter((executor) => executor !== undefined).filter((executor) => executor.isReady());
  }

  /** Whether anybody could ever be there: agents can connect, there is a way through SSH, or this machine has roots. */
  get isConfigured(): boolean {
    const { agents, ssh, sshOnly = false, local } = this.options;
    return sshOnly || agents !== undefined || ssh !== undefined || local.isReady();
  }

  /** Who gets the next action; undefined when nobody can take it. */
  choose(): Executor | undefined {
    return this.present[0];
  }

  /** The one who was given a key, if he is there. */
  withId(id: string): Executor | undefined {
    return this.present.find((executor) => executor.id === id);
  }

  /** Whether actions need no way through SSH: an agent is connected, or this machine executes them itself. */
  get hasAgent(): boolean {
    const { agents, sshOnly = false, local } = this.options;
    return !sshOnly && (agents?.connected !== undefined || local.isReady());
  }

  /** Whether somebody must be told of an emergency stop who is not asked about it before each action. */
  get hasListeners(): boolean {
    return this.options.agents?.connected !== undefined;
  }

  /** How much there is in this process that outlives its action. */
  get backgroundCount(): number {
    return this.options.local.background?.count ?? 0;
  }

  /** Ends what outlives its action. */
  async endBackground(): Promise<void> {
    await this.options.local.background?.end();
  }

  /** Tells agents whether the emergency stop holds, those included that come later. */
  heedStop(stopped: boolean): void {
    this.options.agents?.heedStop(stopped);
  }
}
