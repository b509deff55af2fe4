import { type ActionResult } from '../../../contracts/gateway-api.js';
import { isProviderRefusal } from '../domain/cline-switch.js';
import { type PathFlavour } from '../domain/remote-path.js';
import { isOfHost, type RemoteFiles } from './remote-files.js';

export interface ClineRun {
  readonly program: string;
  /** Names of providers, the preferred one first; none: cline runs as it is configured. */
  readonly providers: readonly string[];
  readonly files: RemoteFiles;
  readonly flavour: PathFlavour;
  /** The folder of the user on the host. */
  readonly home: string;
  readonly perform: (argv: readonly string[]) => Promise<ActionResult>;
}

/**
 * Runs cline with the first provider that has a configuration of its own on the host, `~/.cline-<provider>`, and with the
 * next one when a provider refuses. Without any such folder it runs as it is configured. Credentials stay on the host.
 */
export async function runCline(run: ClineRun): Promise<ActionResult> {
  const { program, providers, perform } = run;
  const folders = await Promise.all(providers.map((name) => configurationOf(run, name)));
  const attempts = folders.filter((folder) => folder !== null).map((folder) => ['--config', folder]);
  let result = await perform([program, ...(attempts.shift() ?? []), '--yolo']);
  for (const options of attempts) {
    if (!isProviderRefusal(result)) return result;
    result = await perform([program, ...options, '--yolo']);
  }
  return result;
}

async function configurationOf({ files, flavour, home }: ClineRun, provider: string): Promise<string | null> {
  const folder = flavour.join(home, `.cline-${provider}`);
  try {
    return (await files.stat(flavour.toWire(folder))).isDirectory() ? folder : null;
  } catch (error) {
    if (isOfHost(error)) return null;
    throw error;
  }
}
