import { once } from 'node:events';
import { constants } from 'node:fs';
import { type AddressInfo } from 'node:net';
import ssh2, { type Attributes, type Connection, type ServerChannel, type SFTPWrapper } from 'ssh2';
import { decodeCommand } from './powershell-reader.js';

/** A command that came with `-EncodedCommand`, and what was sent to its standard input. */
export interface Received {
  readonly script: string;
  readonly input: string;
}

type Entry = { readonly link: string } | { readonly file: string } | 'folder';

const { STATUS_CODE } = ssh2.utils.sftp;

/**
 * Stands in for a Windows host: logs in by password, takes PowerShell and answers as it is told, and shows files whose names
 * it compares without regard to case. Like OpenSSH for Windows it does not resolve links when asked for a real path.
 */
export class WindowsHost {
  readonly received: Received[] = [];
  /** What exists, by the path that SFTP calls it, in lower case. */
  readonly entries = new Map<string, Entry>();
  /** How a command ends; undefined lets it run until it is killed. */
  answer: (script: string) => { code: number; stdout?: string } | undefined = () => ({ code: 0 });
  private readonly running = new Map<string, ServerChannel>();
  private readonly connections = new Set<Connection>();

  private constructor(private readonly server: ssh2.Server) {}

  static async start(user: string, password: string): Promise<WindowsHost> {
    const key = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).private;
    const server = new ssh2.Server({ hostKeys: [key] });
    const host = new WindowsHost(server);
    server.on('connection', (connection) => {
      host.connections.add(connection.on('error', () => undefined));
      connection.on('authentication', (context) => {
        const isRight =
          context.method === 'password' && context.username === user && context.password === password;
        if (isRight) context.accept();
        else context.reject(['password']);
      });
      connection.on('session', (accept) => {
        const session = accept();
        session.on('exec', (take, _reject, { command }) => host.exec(command, take()));
        session.on('sftp', (take) => host.serve(take()));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return host;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  add(path: string, entry: Entry = 'folder'): void {
    this.entries.set(path.toLowerCase(), entry);
  }

  async close(): Promise<void> {
    for (const connection of this.connections) connection.end();
    this.server.close();
    await once(this.server, 'close');
  }

  private exec(command: string, channel: ServerChannel): void {
    const [, encoded] = / -EncodedCommand (\S+)$/.exec(command) ?? [];
    const end = (code: number) => {
      channel.exit(code);
      channel.end();
    };
    // What is no PowerShell is the look at its health.
    if (encoded === undefined) return end(command === 'exit 0' ? 0 : 1);
    const script = decodeCommand(encoded);
    let input = '';
    channel.on('data', (chunk: Buffer) => (input += chunk.toString()));
    channel.once('end', () => {
      this.received.push({ script, input });
      if (script.includes('Get-CimInstance')) {
        for (const [line, victim] of this.running) {
          if (!line.includes(/Contains\('(.+?)'\)/.exec(script)?.[1] ?? 'nothing')) continue;
          victim.exit(1);
          victim.end();
        }
        return end(0);
      }
      const answer = this.answer(script);
      if (answer === undefined) {
        this.running.set(command, channel);
        return;
      }
      channel.write(answer.stdout ?? '');
      end(answer.code);
    });
  }

  private serve(sftp: SFTPWrapper): void {
    const open = new Map<number, { path: string; told: boolean }>();
    const find = (path: string) => this.entries.get(path.toLowerCase().replace(/(.)\/$/, '$1'));
    const missing = (id: number) => sftp.status(id, STATUS_CODE.NO_SUCH_FILE);
    sftp.on('REALPATH', (id, path) =>
      sftp.name(id, [
        { filename: path === '.' ? '/C:/Users/Me' : path, longname: '', attrs: attributes('folder') },
      ]),
    );
    const tell = (id: number, path: string) => {
      const entry = find(path);
      if (entry === undefined) missing(id);
      else sftp.attrs(id, attributes(entry));
    };
    sftp.on('LSTAT', tell);
    sftp.on('STAT', tell);
    sftp.on('READLINK', (id, path) => {
      const entry = find(path);
      if (typeof entry !== 'object' || !('link' in entry)) missing(id);
      else sftp.name(id, [{ filename: entry.link, longname: '', attrs: attributes(entry) }]);
    });
    sftp.on('MKDIR', (id, path) => {
      this.add(path);
      sftp.status(id, STATUS_CODE.OK);
    });
    const handle = (id: number, path: string) => {
      const number = open.size;
      open.set(number, { path, told: false });
      sftp.handle(id, Buffer.from([number]));
    };
    sftp.on('OPEN', handle);
    sftp.on('OPENDIR', handle);
    sftp.on('READ', (id, at, offset, length) => {
      const entry = find(open.get(at[0] ?? -1)?.path ?? '');
      const content = Buffer.from(typeof entry === 'object' && 'file' in entry ? entry.file : '');
      const part = content.subarray(offset, offset + length);
      if (part.length === 0) sftp.status(id, STATUS_CODE.EOF);
      else sftp.data(id, part);
    });
    sftp.on('READDIR', (id, at) => {
      const folder = open.get(at[0] ?? -1);
      if (folder === undefined || folder.told) {
        sftp.status(id, STATUS_CODE.EOF);
        return;
      }
      folder.told = true;
      const prefix = `${folder.path.toLowerCase()}/`;
      const names = [...this.entries.entries()]
        .filter(([path]) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
        .map(([path, entry]) => ({
          filename: path.slice(prefix.length),
          longname: '',
          attrs: attributes(entry),
        }));
      sftp.name(id, [{ filename: '.', longname: '', attrs: attributes('folder') }, ...names]);
    });
    sftp.on('CLOSE', (id) => sftp.status(id, STATUS_CODE.OK));
  }
}

function attributes(entry: Entry): Attributes {
  const kind =
    entry === 'folder' ? constants.S_IFDIR : 'link' in entry ? constants.S_IFLNK : constants.S_IFREG;
  return { mode: kind | 0o755, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 };
}
