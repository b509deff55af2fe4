/** An environment variable, with its default and what it does. */
export interface Variable {
  readonly about: string;
  /** The default as it would be written in the environment; absent when unset means "off" or "none". */
  readonly default?: string;
  readonly group:
    | 'database'
    | 'control plane'
    | 'scheduler'
    | 'reaper'
    | 'SkyClaw'
    | 'gateway'
    | 'agent'
    | 'actions'
    | 'model providers'
    | 'projects'
    | 'service gateway'
    | 'host'
    | 'webhooks'
    | 'tracing'
    | 'cli';
  /** Never shown, not even to debug. */
  readonly secret?: true;
  /** Accepted from older deployments without effect: why, as the end of a sentence. */
  readonly ignored?: string;
}
