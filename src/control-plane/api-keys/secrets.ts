import { KeySecrets } from '../../platform/secrets/key-secret.js';

/** The secrets of keys of the API. */
export const apiKeySecrets = new KeySecrets('sky_');
