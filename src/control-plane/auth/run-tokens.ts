import { createHmac, randomBytes } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { secretsEqual } from '../../platform/secrets/secrets-equal.js';
import { loadServerSecret } from './auth.queries.js';

const PREFIX = 'skr_';
const SECRET_NAME = 'run-tokens';

/** A claim, as its holder proves it. */
export interface RunClaim {
  readonly taskId: string;
  readonly workerId: string;
  readonly claimToken: string;
}

/**
 * Tokens that stand for one claim and nothing else: whoever runs the task can be given one instead of a key. It says which claim
 * it is for, signed by a secret that all replicas share; whether the claim still holds is seen where it is used, as
 * with the claim's own token.
 */
@Injectable()
export class RunTokens implements OnModuleInit {
  private secret: Buffer = Buffer.alloc(0);

  constructor(private readonly database: Database) {}

  async onModuleInit(): Promise<void> {
    this.secret = await loadServerSecret(this.database, SECRET_NAME, randomBytes(32));
  }

  issue({ taskId, workerId, claimToken }: RunClaim): string {
    const claim = Buffer.from(JSON.stringify([taskId, workerId, claimToken])).toString('base64url');
    return `${PREFIX}${claim}.${this.signatureOf(claim)}`;
  }

  /** The claim that a token stands for; null when it is none of ours. */
  read(token: string): RunClaim | null {
    const [claim = '', signature = ''] = token.slice(PREFIX.length).split('.');
    if (!secretsEqual(signature, this.signatureOf(claim))) return null;
    const [taskId, workerId, claimToken] = JSON.parse(Buffer.from(claim, 'base64url').toString()) as [
      string,
      string,
      string,
    ];
    return { taskId, workerId, claimToken };
  }

  private signatureOf(claim: string): string {
    if (this.secret.length === 0) throw new Error('The secret of run tokens has not been loaded.');
    return createHmac('sha256', this.secret).update(claim).digest('base64url');
  }
}

/** Whether a text says that it is a run token. */
export const saysRunToken = (text: string): boolean => text.startsWith(PREFIX);
