/** A key of `SKYCLAW_PUBLIC_API_KEYS`: `key[:label[:cap1|cap2[:shell]]]`. */
export interface ConfiguredKey {
  readonly secret: string;
  readonly label: string;
  readonly capabilities: readonly string[];
  readonly shell: boolean;
}

const DEFAULT_LABEL = 'public';
const DEFAULT_CAPABILITY = 'openclaw';

/** An entry of the list; null when it is malformed. */
export function readConfiguredKey(entry: string): ConfiguredKey | null {
  const [secret = '', label = '', capabilities = '', flag = '', ...more] = entry
    .split(':')
    .map((part) => part.trim());
  const isRight = secret !== '' && more.length === 0 && ['', 'shell'].includes(flag.toLowerCase());
  if (!isRight) return null;
  const named = capabilities
    .split('|')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return {
    secret,
    label: label === '' ? DEFAULT_LABEL : label,
    capabilities: named.length === 0 ? [DEFAULT_CAPABILITY] : [...new Set(named)].sort(),
    shell: flag !== '',
  };
}
