import { type Price } from './price.js';

/** What a key of the public API may do, wherever it is kept. */
export interface PublicKey {
  /** Its name in the database: whose jobs are whose. Two keys with one label have two. */
  readonly id: string;
  readonly label: string;
  readonly capabilities: readonly string[];
  readonly shell: boolean;
  /** Whether payloads may name an image, or ask for the network. */
  readonly image: boolean;
  readonly network: boolean;
  /** Null: the limit of all keys; 0: none. */
  readonly ratePerMinute: number | null;
  /** Null: no limit. */
  readonly monthlyJobs: number | null;
  /** What a job costs by this key; null: what the price list says. */
  readonly price: Price | null;
  /** Whether its jobs are counted: those of keys of the environment are not. */
  readonly isCounted: boolean;
}
