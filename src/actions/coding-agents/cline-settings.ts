import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Params, textParam } from '../parameters.js';

/** How Cline is to reach its model. What is left out stays as it was. */
export interface ProviderChoice {
  readonly provider: string;
  readonly model?: string;
  readonly baseUrl?: string;
  readonly apiKey?: string;
}

type Json = Readonly<Record<string, unknown>>;

/** What is the same wherever Cline runs: where it keeps its providers, below the folder of its user, and in which form. */
export const clineSettings = {
  place: ['.cline', 'data', 'settings', 'providers.json'],

  /** What the parameters of `configure_coding_agent` ask for, or why nobody can do that. */
  choiceOf(
    params: Params,
  ): { readonly ok: true; readonly value: ProviderChoice } | { readonly ok: false; readonly error: string } {
    const agent = textParam(params, 'agent');
    if (agent !== 'cline') return { ok: false, error: `Agent '${agent}' cannot be configured; cline can.` };
    const given = (key: string, name: keyof ProviderChoice) => {
      const text = textParam(params, key);
      return text === '' ? {} : { [name]: text };
    };
    const optional = {
      ...given('model', 'model'),
      ...given('base_url', 'baseUrl'),
      ...given('api_key', 'apiKey'),
    };
    return { ok: true, value: { provider: textParam(params, 'provider'), ...optional } };
  },

  /**
   * The text of the file with the chosen provider as the one that Cline uses; the others stay as they are. `stored` is
   * what is there; undefined: nothing. Throws when that cannot be read.
   */
  withChoice(path: string, stored: string | undefined, choice: ProviderChoice, now: Date): string {
    const before = stored === undefined ? {} : read(path, stored);
    const providers = objectAt(before, 'providers');
    const { provider } = choice;
    const entry = {
      settings: { ...objectAt(objectAt(providers, provider), 'settings'), ...choice },
      updatedAt: now.toISOString(),
      tokenSource: 'manual',
    };
    const after = {
      modes: {},
      ...before,
      version: 1,
      lastUsedProvider: provider,
      providers: { ...providers, [provider]: entry },
    };
    return `${JSON.stringify(after, null, 2)}\n`;
  },

  said: ({ provider }: ProviderChoice, path: string): string =>
    `Cline uses ${provider} from now on (${path}).`,
};

/**
 * Makes a provider the one that Cline uses on this machine. The file is replaced as a whole and only its owner may read
 * it: so a key is never part of a command line. Throws when what is there cannot be read.
 */
export async function chooseClineProvider(home: string, choice: ProviderChoice, now: Date): Promise<string> {
  const path = join(home, ...clineSettings.place);
  await writeForOwner(path, clineSettings.withChoice(path, await textOf(path), choice, now));
  return path;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function read(path: string, text: string): Json {
  try {
    const stored: unknown = JSON.parse(text);
    if (typeof stored === 'object' && stored !== null && !Array.isArray(stored)) return stored as Json;
  } catch {
    // The parser's message would quote what is in the file: keys.
  }
  throw new Error(`${path} is not a JSON object; repair or remove it.`);
}

async function writeForOwner(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(draft, text, { flag: 'wx', mode: 0o600 });
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
