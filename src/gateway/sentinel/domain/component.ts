/** What the sentinel watches. */
export const components = ['chathan_worker', 'scheduler_queue', 'database', 's3_storage'] as const;
export type Component = (typeof components)[number];

/** How a component is found. `not_configured`: there is nothing to watch. */
export type State = 'up' | 'down' | 'not_configured';

/** What one look at a component has found, with a sentence for people. */
export interface Finding {
  readonly state: State;
  readonly detail: string;
}

export type Findings = Readonly<Record<Component, Finding>>;

export const up = (detail: string): Finding => ({ state: 'up', detail });
export const down = (detail: string): Finding => ({ state: 'down', detail });
export const notConfigured = (detail: string): Finding => ({ state: 'not_configured', detail });
