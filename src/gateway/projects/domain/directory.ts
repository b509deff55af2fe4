/** Whether a folder is named as on Windows, whatever this machine is: the executor may be another one. */
const isWindows = (folder: string) => /^[A-Za-z]:[\\/]|^\\\\/.test(folder);

/** A path below a folder, in the folder's own manner. `path` is relative, with `/` between its parts. */
export function below(folder: string, path: string): string {
  const separator = isWindows(folder) ? '\\' : '/';
  const base = folder.endsWith(separator) ? folder.slice(0, -1) : folder;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return [base, ...parts].join(separator);
}
