import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Database } from '../../../platform/database/database.js';
import { type Logger } from '../../../platform/logging/logger.js';
import { judgeHostKey, preferredAlgorithms } from '../domain/host-key-policy.js';
import { findHostKey, rememberHostKey } from './host-keys.queries.js';
import { keysInKnownHosts } from './known-hosts.js';

export interface HostKeyOptions {
  readonly host: string;
  readonly port: number;
  /** Keys or their SHA256 fingerprints; empty when the operator has given none. */
  readonly pinned: readonly string[];
  readonly knownHostsPath: string;
  readonly strict: boolean;
}

/** What decides about the key of a host at one connection. */
export interface HostKeyCheck {
  /** The algorithms to offer, in this order. */
  readonly algorithms: readonly string[];
  /** Why the key is not accepted; null when it is. Rejects when what is remembered cannot be looked up. */
  readonly refusalOf: (key: Buffer) => Promise<string | null>;
}

/** Every algorithm of host keys that is still considered safe. */
const ALGORITHMS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/**
 * Holds a host to its key: the operator's word first, then `known_hosts`, then what it showed when it was first trusted,
 * which is kept in the database and holds for every gateway on it.
 */
export class HostKeys {
  constructor(
    private readonly options: HostKeyOptions,
    private readonly database: Database,
    private readonly logger: Logger,
  ) {}

  /** Looks up what is known now, for one connection. */
  async check(): Promise<HostKeyCheck> {
    const { host, port, pinned, strict } = this.options;
    const { listed, revoked } = keysInKnownHosts(await this.knownHosts(), host, port);
    const asked = pinned.length > 0 || listed.length > 0;
    const remembered = asked ? null : await findHostKey(this.database, host, port);
    const known = [...pinned, ...listed, ...(remembered === null ? [] : [remembered])];
    return {
      algorithms: preferredAlgorithms(known, ALGORITHMS),
      refusalOf: async (bytes) => {
        const key = bytes.toString('base64');
        const isPinned = pinned.includes(key) || pinned.includes(fingerprintOf(bytes));
        const verdict = judgeHostKey(key, {
          isPinned: pinned.length === 0 ? null : isPinned,
          listed,
          revoked,
          remembered,
          strict,
        });
        if (verdict === 'trusted') return null;
        if (verdict !== 'trusted from now on') return verdict.refused;
        const stored = await rememberHostKey(this.database, host, port, key);
        if (stored !== key) return 'the host was first trusted with another key a moment ago';
        this.logger.warn(
          { host, port, fingerprint: fingerprintOf(bytes) },
          'The SSH host was not known: its key is trusted from now on.',
        );
        return null;
      },
    };
  }

  private async knownHosts(): Promise<string> {
    try {
      return await readFile(this.options.knownHostsPath, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      // A list that is there and cannot be read may forbid what would be trusted without it.
      throw new Error(`known_hosts cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, {
        cause: error,
      });
    }
  }
}

/** A key's fingerprint as `ssh-keygen -l` shows it. */
function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}
