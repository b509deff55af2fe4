/** Injects the {@link ControlPlaneConfig}. */
export const CONFIG = Symbol('config');
/** Injects the program's {@link Logger}. */
export const LOGGER = Symbol('logger');
/** Injects the text that names this process among the replicas. */
export const REPLICA = Symbol('replica');

/** Wake-up topics: what other replicas, and this one, may want to look at now. */
export const TOPICS = {
  /** A task may have become ready. */
  ready: 'ready',
  /** A task waits for a time that nobody may know of. */
  due: 'due',
  /** Dependents have not been told of an end. */
  untold: 'untold',
  /** The next time of a schedule may have changed. */
  schedules: 'schedules',
  /** A job may have a limit to be started by. */
  expiring: 'expiring',
  /** An execution may be under way that nobody is after any more. */
  cancelled: 'cancelled',
  /** A gateway is to be drained, or no longer. */
  drains: 'drains',
  /** Something about services has changed: a replica may be there to claim, or an endpoint to route to. */
  services: 'services',
  /** A job or a service has printed something. */
  output: 'output',
  /** There are deliveries of webhooks to send. */
  webhooks: 'webhooks',
} as const;
