import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** How Cline is to reach its model. What is left out stays as it was. */
export interface ProviderChoice {
  readonly provider: string;
  readonly model?: string;
  readonly baseUrl?: string;
  readonly apiKey?: string;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Makes a provider the one that Cline uses, in the file where Cline keeps its providers; the others stay as they are. The
 * file is replaced as a whole and only its owner may read it: so a key is never part of a command line. Throws when what
 * is there cannot be read.
 */
export async function chooseClineProvider(home: string, choice: ProviderChoice, now: Date): Promise<string> {
  const path = join(home, '.cline', 'data', 'settings', 'providers.json');
  const stored = await readStored(path);
  const providers = objectAt(stored, 'providers');
  const { provider, model, baseUrl, apiKey } = choice;
  const settings = {
    ...objectAt(objectAt(providers, provider), 'settings'),
    provider,
    ...(model === undefined ? {} : { model }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(apiKey === undefined ? {} : { apiKey }),
  };
  const entry = { settings, updatedAt: now.toISOString(), tokenSource: 'manual' };
  await writeForOwner(path, {
    modes: {},
    ...stored,
    version: 1,
    lastUsedProvider: provider,
    providers: { ...providers, [provider]: entry },
  });
  return path;
}

async function readStored(path: string): Promise<Json> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  try {
    const stored: unknown = JSON.parse(text);
    if (typeof stored === 'object' && stored !== null && !Array.isArray(stored)) return stored as Json;
  } catch {
    // The parser's message would quote what is in the file: keys.
  }
  throw new Error(`${path} is not a JSON object; repair or remove it.`);
}

async function writeForOwner(path: string, value: Json): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(draft, `${JSON.stringify(value, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
    await chmod(draft, 0o600);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

function objectAt(value: Json, key: string): Json {
  const found = Object.hasOwn(value, key) ? value[key] : undefined;
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Json) : {};
}
