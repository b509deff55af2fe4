import { type Env } from '../platform/config/env.js';
import { EmbeddedPostgres } from '../platform/embedded-postgres/index.js';

export interface ProgramDatabase {
  readonly url: string;
  /** Stops what was started for this program, unless other programs use it. */
  release(): Promise<void>;
}

/** The database of DATABASE_URL, or an embedded one in SKYNET_DATA_DIR, and one line that says which. */
export async function openProgramDatabase(env: Env, say: (line: string) => void): Promise<ProgramDatabase> {
  if (env.isSet('DATABASE_URL')) {
    const url = env.text('DATABASE_URL');
    say(`Data lives in ${describe(url)} (DATABASE_URL).`);
    return { url, release: () => Promise.resolve() };
  }
  const embedded = await EmbeddedPostgres.start({ dataDir: env.text('SKYNET_DATA_DIR'), say });
  say(`Data lives in ${embedded.dataDir} (embedded PostgreSQL; set DATABASE_URL to use your own).`);
  return {
    url: embedded.url,
    release: async () => {
      await embedded.stop();
    },
  };
}

/** A database's address without its credentials. */
function describe(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return `PostgreSQL at ${host}${pathname}`;
  } catch {
    return 'PostgreSQL';
  }
}
