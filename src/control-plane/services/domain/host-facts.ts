/** What rules need to know of a host. */
export interface HostFacts {
  readonly id: string;
  readonly capabilities: readonly string[];
  /** Silent for too long, revoked, or not registered: what it held is free for others. */
  readonly isLost: boolean;
  readonly isDraining: boolean;
  /** The deadline of its drain has passed: nothing stays. */
  readonly isDrainOver: boolean;
  readonly mayGetWork: boolean;
}

export type HostsById = ReadonlyMap<string, HostFacts>;

/** A host that nobody knows holds nothing. */
export function factsOf(hosts: HostsById, id: string): HostFacts {
  return (
    hosts.get(id) ?? {
      ...{ id, capabilities: [], isLost: true, isDraining: false, isDrainOver: false },
      mayGetWork: false,
    }
  );
}

/** Whether a host may be given replicas that require these capabilities. */
export function canRun(host: HostFacts, requiredCapabilities: readonly string[]): boolean {
  return (
    host.mayGetWork &&
    !host.isLost &&
    requiredCapabilities.every((capability) => host.capabilities.includes(capability))
  );
}
