import { createHmac } from 'node:crypto';

/** What a `known_hosts` file says of one host. Keys are their wire form in base64. */
export interface ListedKeys {
  readonly listed: readonly string[];
  readonly revoked: readonly string[];
}

/**
 * Reads what the text of a `known_hosts` file says of a host: plain names, `[name]:port`, patterns with `*`, `?` and `!`,
 * and hashed names. Lines that are not understood say nothing; certificate authorities are not supported.
 */
export function keysInKnownHosts(text: string, host: string, port: number): ListedKeys {
  const name = (port === 22 ? host : `[${host}]:${port}`).toLowerCase();
  const listed: string[] = [];
  const revoked: string[] = [];
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/\s+/);
    const marker = fields[0]?.startsWith('@') === true ? fields.shift() : undefined;
    const [names = '', , key = ''] = fields;
    if (names.startsWith('#') || key === '' || !covers(names, name)) continue;
    if (marker === undefined) listed.push(key);
    else if (marker === '@revoked') revoked.push(key);
  }
  return { listed, revoked };
}

function covers(names: string, name: string): boolean {
  if (names.startsWith('|1|')) {
    const [, , salt = '', hash = ''] = names.split('|');
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
  }
  const patterns = names.toLowerCase().split(',');
  const some = (those: readonly string[]) => those.some((pattern) => matches(pattern, name));
  const denied = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  return !some(denied) && some(patterns.filter((pattern) => !pattern.startsWith('!')));
}

function matches(pattern: string, name: string): boolean {
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${escaped}$`).test(name);
}
