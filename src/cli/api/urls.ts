import { UsageError } from '../terminal.js';

/** Addresses of an API without a slash at the end. Throws a sentence that names `setting` and never shows a password. */
export function apiUrls(texts: readonly string[], setting: string): string[] {
  return texts.map((text) => {
    let url: URL;
    try {
      url = new URL(text);
    } catch {
      throw new UsageError(`${setting} should be a URL such as http://127.0.0.1:8787.`);
    }
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw new UsageError(`${setting} should begin with http:// or https://.`);
    }
    if (url.username !== '' || url.password !== '') {
      throw new UsageError(`${setting} must not contain a user or a password.`);
    }
    return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  });
}
