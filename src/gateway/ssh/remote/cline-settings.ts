import { clineSettings, type Params } from '../../../actions/index.js';
import { type ActionResult } from '../../../contracts/gateway-api.js';
import { type PathFlavour } from '../domain/remote-path.js';
import { isMissing, type RemoteFiles } from './remote-files.js';
import { failure } from './run-command.js';
import { writeWhole } from './write-whole.js';

const MAX_SETTINGS_BYTES = 1_048_576;

export interface ClineConfiguration {
  readonly params: Params;
  readonly files: RemoteFiles;
  readonly flavour: PathFlavour;
  /** The folder of the user on the host. */
  readonly home: string;
}

/** Makes a provider the one that cline uses on the host. What is secret goes by SFTP, into a file of its owner's own. */
export async function configureCline({
  params,
  files,
  flavour,
  home,
}: ClineConfiguration): Promise<ActionResult> {
  const choice = clineSettings.choiceOf(params);
  if (!choice.ok) return failure(choice.error);
  const path = clineSettings.place.reduce(flavour.join, home);
  const stored = await textOf(files, flavour.toWire(path));
  const text = clineSettings.withChoice(path, stored, choice.value, new Date());
  await writeWhole({ files, flavour, path }, Buffer.from(text, 'utf8'), { forOwner: true });
  return { returncode: 0, stdout: clineSettings.said(choice.value, path), stderr: '' };
}

/** Undefined when there is no such file. */
async function textOf(files: RemoteFiles, wire: string): Promise<string | undefined> {
  try {
    return (await files.readHead(wire, MAX_SETTINGS_BYTES)).toString('utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
