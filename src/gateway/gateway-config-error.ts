/** A setting that makes starting unsafe or senseless; the message says what to do. */
export class GatewayConfigError extends Error {}
