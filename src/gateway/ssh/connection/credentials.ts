import { readFile } from 'node:fs/promises';
import { type SshTarget } from '../ssh.config.js';

/** What is shown to the host: the key, the password, or both. A key file is read anew for each connection. */
export async function credentialsOf({
  privateKey,
  keyPath,
  password,
}: SshTarget): Promise<{ privateKey?: Buffer; password?: string }> {
  const key = privateKey ?? (keyPath === undefined ? undefined : await keyIn(keyPath));
  return {
    ...(key === undefined ? {} : { privateKey: key }),
    ...(password === undefined ? {} : { password }),
  };
}

async function keyIn(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new Error(`the key file in OPENCLAW_SSH_KEY_PATH cannot be read (${code})`, { cause: error });
  }
}
