import { Injectable } from '@nestjs/common';

export const components = [
  'control_registry',
  'gateway_client',
  'task_queue',
  'control_scheduler',
  'stale_lock_reaper',
] as const;

export type ComponentName = (typeof components)[number];
export type ComponentState = 'ok' | 'not_initialized' | 'not_running';

/** Where the parts of the program say how they are. Each answers from what its last pass or check found. */
@Injectable()
export class HealthRegistry {
  private readonly states = new Map<ComponentName, () => ComponentState>();

  register(component: ComponentName, state: () => ComponentState): void {
    this.states.set(component, state);
  }

  /** The state of a component; undefined while nobody answers for it. */
  stateOf(component: ComponentName): ComponentState | undefined {
    return this.states.get(component)?.();
  }
}
