import { KeySecrets } from '../../platform/secrets/key-secret.js';

/** The secrets of keys of the public API. */
export const publicSecrets = new KeySecrets('skc_');
