import { type LeasedFile } from '../../contracts/gateway-api.js';

/** What a coding agent is told of its task's lease, to stand below the prompt. */
export function leaseText(files: readonly LeasedFile[]): string {
  const paths = (mode: LeasedFile['mode']) =>
    files.filter((file) => file.mode === mode).map(({ path }) => `- ${path}`);
  const [written, read] = [paths('write'), paths('read')];
  return [
    'Files leased to this task. Paths are relative to the repository; a path that ends in / is a folder with all below it.',
    ...(written.length === 0 ? ['You may change nothing.'] : ['You may change only:', ...written]),
    ...(read.length === 0 ? [] : ['Nobody changes these while you read them:', ...read]),
    'Others are working on the rest of the repository: read it if you must, and leave it as it is.',
  ].join('\n');
}

/** The same for programs: SKYNET_LEASED_FILES as JSON, left out when it does not fit an environment. */
export function leaseEnv(
  files: readonly LeasedFile[],
  fits: (text: string) => boolean,
): Record<string, string> {
  const json = JSON.stringify(files.map(({ path, mode }) => ({ path, mode })));
  return fits(json) ? { SKYNET_LEASED_FILES: json } : {};
}
