import { type PathFlavour } from '../domain/remote-path.js';
import { isOfHost, type RemoteFiles } from './remote-files.js';

export interface ClineProviders {
  /** Names of providers, the preferred one first; none: cline runs as it is configured. */
  readonly providers: readonly string[];
  readonly files: RemoteFiles;
  readonly flavour: PathFlavour;
  /** The folder of the user on the host. */
  readonly home: string;
}

/**
 * What cline is given to use each provider that has a configuration of its own on the host, `~/.cline-<provider>`; empty
 * when none has, and it runs as it is configured. Credentials stay on the host.
 */
export async function clineOptions(at: ClineProviders): Promise<string[][]> {
  const folders = await Promise.all(at.providers.map((name) => configurationOf(at, name)));
  return folders.filter((folder) => folder !== null).map((folder) => ['--config', folder]);
}

async function configurationOf(
  { files, flavour, home }: ClineProviders,
  provider: string,
): Promise<string | null> {
  const folder = flavour.join(home, `.cline-${provider}`);
  try {
    return (await files.stat(flavour.toWire(folder))).isDirectory() ? folder : null;
  } catch (error) {
    if (isOfHost(error)) return null;
    throw error;
  }
}
