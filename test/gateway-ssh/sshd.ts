import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';

const SSHD = spawnSync('sh', ['-c', 'PATH=$PATH:/usr/sbin:/usr/local/sbin; command -v sshd'], {
  encoding: 'utf8',
}).stdout.trim();

/** Why SSH cannot be tested here; undefined when it can. */
export const trouble = SSHD === '' ? 'there is no sshd on this machine: install openssh-server' : undefined;

/** For the name of a suite: nothing can stand in for a real sshd, so the name says what is missing. */
export const leftOut = trouble === undefined ? '' : ` (left out: ${trouble})`;

/** A real OpenSSH server of this user's own: its own port, host key, login key and settings. */
export class Sshd {
  readonly user = userInfo().username;
  private child: ChildProcess | undefined;
  /** What outlives the process that has listened. */
  private readonly left: Running[] = [];

  private constructor(
    readonly folder: string,
    readonly port: number,
  ) {}

  static async start(): Promise<Sshd> {
    const sshd = new Sshd(realpathSync(mkdtempSync(join(tmpdir(), 'skynet-sshd-'))), await freePort());
    sshd.makeKey('host');
    sshd.makeKey('login');
    mkdirSync(sshd.home);
    // A root's sshd wants this folder, an ordinary user's does not.
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
    await sshd.open();
    return sshd;
  }

  get home(): string {
    return this.path('home');
  }

  /** Listens, with the host key that it had. */
  async open(): Promise<void> {
    const settings = [
      `Port ${this.port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${this.path('host')}`,
      `AuthorizedKeysFile ${this.path('login.pub')}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'MaxStartups 100',
      // Where SFTP begins is the home as a gateway sees it: not that of whoever runs the tests.
      `Subsystem sftp internal-sftp -d ${this.home}`,
    ];
    writeFileSync(this.path('config'), `${settings.join('\n')}\n`);
    const child = spawn(SSHD, ['-D', '-e', '-f', this.path('config')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    this.child = child;
    await eventually('sshd listens', async () => {
      if (child.exitCode !== null) throw new Error(`sshd has ended: ${said}`);
      return (await accepts(this.port)) ? true : undefined;
    });
  }

  /** A private key's file; its public half stands beside it with `.pub`. */
  path(name: string): string {
    return join(this.folder, name);
  }

  makeKey(name: string, type = 'ed25519'): void {
    rmSync(this.path(name), { force: true });
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', '', '-f', this.path(name)]);
  }

  /** The public half of a key: its type and its base64. */
  publicKey(name: string): string {
    return readFileSync(this.path(`${name}.pub`), 'utf8').trim();
  }

  /** What a gateway needs to come here. Nobody's `known_hosts` is read. */
  env(more: Record<string, string> = {}): Record<string, string> {
    return {
      OPENCLAW_SSH_FALLBACK_ENABLED: '1',
      OPENCLAW_SSH_REMOTE_OS: 'linux',
      OPENCLAW_SSH_PORT: String(this.port),
      OPENCLAW_SSH_USER: this.user,
      OPENCLAW_SSH_PRIVATE_KEY_B64: readFileSync(this.path('login')).toString('base64'),
      OPENCLAW_SSH_KNOWN_HOSTS: this.path('known_hosts'),
      OPENCLAW_SSH_HEALTH_CACHE_SECONDS: '0.2',
      ...more,
    };
  }

  /** Breaks all connections at once, as a machine does that loses its power; new ones are taken. */
  cutConnections(): void {
    for (const connection of this.connections()) signal(connection, 'SIGKILL');
  }

  /** Keeps the connections open and answers nothing on them. */
  freeze(): void {
    for (const connection of this.connections()) signal(connection, 'SIGSTOP');
  }

  /** Listens no more; what is connected stays. */
  async stopListening(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined) return;
    this.left.push(...descendants(child.pid ?? 0));
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
  }

  async close(): Promise<void> {
    await this.stopListening();
    this.cutConnections();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The processes that serve connections: the server's children, and theirs. */
  private connections(): Running[] {
    const { pid } = this.child ?? {};
    const all = [...this.left, ...(pid === undefined ? [] : descendants(pid))];
    return all.filter((one) => one.name.startsWith('sshd'));
  }
}

/** A process that is known by more than its number, which may be given to another one. */
interface Running {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly started: string;
}

function look(pid: number): Running | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
    const fields = rest.split(' ');
    return { pid, parent: Number(fields[1]), name, started: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function descendants(parent: number): Running[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => look(Number(pid)))
    .filter((one) => one !== undefined);
  const below = (pid: number): Running[] =>
    all.filter((one) => one.parent === pid).flatMap((one) => [one, ...below(one.pid)]);
  return below(parent);
}

function signal({ pid, started }: Running, name: NodeJS.Signals): void {
  if (look(pid)?.started === started) process.kill(pid, name);
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
