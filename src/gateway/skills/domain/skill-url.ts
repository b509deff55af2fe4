/** Where a skill of a GitHub repository is. */
export interface RemoteSkill {
  /** As it was configured, without query and fragment. */
  readonly url: string;
  readonly owner: string;
  readonly repository: string;
  readonly ref: string;
  /** Of the file, in the repository; its last segment is the file's name. */
  readonly path: readonly string[];
}

const RAW_BASE = 'https://raw.githubusercontent.com';
const NAME = /^[A-Za-z0-9._-]+$/;
/** Where GitHub's own redirects lead. */
const GITHUB_HOSTS = new Set([
  'github.com',
  'www.github.com',
  'raw.githubusercontent.com',
  'objects.githubusercontent.com',
  'media.githubusercontent.com',
]);

/** Reads the address of a skill, or of its folder, on github.com or raw.githubusercontent.com; null when it is none. */
export function parseSkillUrl(text: string): RemoteSkill | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '' || url.port !== '')
    return null;
  const segments = segmentsOf(url.pathname);
  if (segments === null) return null;
  const [owner = '', repository = '', ...rest] = segments;
  const [kind, ...tail] = rest;
  const isPage = /^(?:www\.)?github\.com$/.test(url.hostname) && (kind === 'tree' || kind === 'blob');
  const isRaw = url.hostname === 'raw.githubusercontent.com';
  const [ref, ...path] = isPage ? tail : isRaw ? rest : [];
  if (ref === undefined || path.length === 0 || !NAME.test(owner) || !NAME.test(repository)) return null;
  const isFile = path.at(-1)?.toLowerCase() === 'skill.md';
  return {
    url: url.origin + url.pathname,
    owner,
    repository,
    ref,
    path: isFile ? path : [...path, 'SKILL.md'],
  };
}

/** Decoded; null when one of them could mean more than a name. */
function segmentsOf(pathname: string): string[] | null {
  try {
    const segments = pathname
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent);
    return segments.some((segment) => /^\.{1,2}$|[\p{Cc}/\\]/u.test(segment)) ? null : segments;
  } catch {
    return null;
  }
}

/** The folder that a skill lies in; of one at the top, the repository. */
export function folderOf({ path, repository }: RemoteSkill): string {
  return path.at(-2) ?? repository;
}

/** Where its text is read. */
export function rawUrlOf(skill: RemoteSkill, base: string = RAW_BASE): string {
  const segments = [skill.owner, skill.repository, skill.ref, ...skill.path];
  return `${base}/${segments.map(encodeURIComponent).join('/')}`;
}

/** Where a redirect may lead from `from`: to GitHub by https, or within the mirror that was configured. */
export function mayFollow(to: URL, from: URL): boolean {
  return (
    to.origin === from.origin || (to.protocol === 'https:' && to.port === '' && GITHUB_HOSTS.has(to.hostname))
  );
}

/** Whether an answer of this type can be the text of a skill. A page is none: GitHub answers with one where it wants a login. */
export function isTextType(contentType: string | undefined): boolean {
  const [type = ''] = (contentType ?? 'application/octet-stream').toLowerCase().split(';');
  const name = type.trim();
  if (name === 'text/html') return false;
  return name.startsWith('text/') || name.includes('markdown') || name === 'application/octet-stream';
}
