import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The folder of a user whom git knows: whoever commits needs a name, and the machine of a test may have none. */
export function gitHome(): string {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'skynet-home-test-')));
  writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Test\n\temail = test@example.org\n');
  return home;
}
