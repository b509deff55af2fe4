import ipaddr from 'ipaddr.js';
import {
  hostName,
  isMetadataName,
  refusalOfForeignAddress,
} from '../../../platform/addresses/domain/address.js';

export interface TargetRules {
  readonly allowHttp: boolean;
  readonly allowedNetworks: readonly string[];
}

/**
 * Why a webhook may not have an address, as the end of a sentence; null when it may. Of a name only what it says is
 * judged: what it resolves to is judged at each connect.
 */
export function refusalOfTarget(url: string, { allowHttp, allowedNetworks }: TargetRules): string | null {
  if (!URL.canParse(url)) return 'is not a URL';
  const target = new URL(url);
  if (target.protocol === 'http:' && !allowHttp)
    return 'must begin with https:// (SKYNET_WEBHOOK_ALLOW_HTTP is off)';
  if (target.protocol !== 'https:' && target.protocol !== 'http:') return 'must begin with https://';
  if (target.username !== '' || target.password !== '') return 'must hold no credentials';
  if (target.hash !== '') return 'must hold no fragment';
  const name = hostName(target);
  if (isMetadataName(name)) return 'names a metadata service';
  if (!ipaddr.isValid(name)) return null;
  const refusal = refusalOfForeignAddress(name, allowedNetworks);
  return refusal === null ? null : `names ${refusal} (see SKYNET_WEBHOOK_ALLOWED_NETWORKS)`;
}
