import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { refusalOfAddress } from './domain/address.js';

/** A connection that is not made, because of where it would go. */
export class AddressRefusedError extends Error {
  readonly code = 'SKYNET_HOST_REFUSED';
}

type LookupCallback = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** Why an address may not be called; null when it may. */
export type AddressJudge = (address: string) => string | null;

/** A lookup that resolves a name for a connection and refuses it if any of its addresses may not be called. */
export function lookupGuardedBy(judge: AddressJudge) {
  return (name: string, options: object, callback: LookupCallback): void => {
    dnsLookup(name, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const refused = addresses.map(({ address }) => judge(address)).find((reason) => reason !== null);
      if (refused !== undefined)
        return callback(new AddressRefusedError(`${name} resolves to ${refused}`), []);
      const [first] = addresses;
      if ((options as { all?: boolean }).all === true || first === undefined)
        return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
}

/** Refuses what no program of ours lives at; see {@link refusalOfAddress}. */
export const guardedLookup = lookupGuardedBy(refusalOfAddress);
