import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** What a way does to what is sent over it. */
export type Trouble =
  | { readonly kind: 'none' }
  /** Connections are reset, and new ones too. */
  | { readonly kind: 'cut' }
  /** Everything arrives, each piece so much later at most. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Of so many pieces one is lost, and its connection with it. */
  | { readonly kind: 'loss'; readonly oneOf: number }
  /** Connections stand, and nothing arrives. */
  | { readonly kind: 'half-open' }
  /** What is asked arrives; what is answered does not. */
  | { readonly kind: 'answers-lost' };

interface Link {
  readonly near: net.Socket;
  readonly far: net.Socket;
  /** Something that was sent over it did not arrive, so it can only be given up. */
  isTorn: boolean;
}

/** A way between two programs that can be troubled, and whose end can be moved. */
export class Proxy {
  private readonly links = new Set<Link>();
  private trouble: Trouble = { kind: 'none' };
  private pieces = 0;

  private constructor(
    private readonly server: net.Server,
    private target: number,
  ) {}

  /** To a port of this machine. */
  static async to(target: number): Promise<Proxy> {
    const server = net.createServer();
    const proxy = new Proxy(server, target);
    server.on('connection', (near) => proxy.carry(near));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Until the next call. What was lost stays lost: connections that miss something are reset when their way is well again. */
  set(trouble: Trouble): void {
    this.trouble = trouble;
    for (const link of this.links) if (trouble.kind === 'cut' || link.isTorn) this.reset(link);
  }

  mend(): void {
    this.set({ kind: 'none' });
  }

  /** Leads to another port from now on; connections to the old one are reset. */
  moveTo(target: number): void {
    this.target = target;
    for (const link of this.links) this.reset(link);
  }

  async close(): Promise<void> {
    this.set({ kind: 'cut' });
    this.server.close();
    await once(this.server, 'close');
  }

  private carry(near: net.Socket): void {
    near.on('error', () => undefined);
    if (this.trouble.kind === 'cut') {
      near.resetAndDestroy();
      return;
    }
    const far = net.connect(this.target, '127.0.0.1');
    far.on('error', () => undefined);
    const link: Link = { near, far, isTorn: false };
    this.links.add(link);
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on('close', () => {
        this.links.delete(link);
        near.destroy();
        far.destroy();
      });
    }
    this.forward(link, near, far, 'question');
    this.forward(link, far, near, 'answer');
  }

  private forward(link: Link, from: net.Socket, to: net.Socket, what: 'question' | 'answer'): void {
    let sent: Promise<unknown> | undefined;
    from.on('data', (piece: Buffer) => {
      const delayMs = this.passes(link, what);
      if (delayMs === undefined) return;
      if (delayMs === 0 && sent === undefined) {
        this.send(piece, from, to);
        return;
      }
      const mine = Promise.all([sent, wait(delayMs)]).then(() => {
        this.send(piece, from, to);
        if (sent === mine) sent = undefined;
      });
      sent = mine;
    });
    from.on('end', () => void (sent ?? Promise.resolve()).then(() => to.end()));
  }

  /** In how many milliseconds a piece arrives; undefined: never. */
  private passes(link: Link, what: 'question' | 'answer'): number | undefined {
    const { trouble } = this;
    switch (trouble.kind) {
      case 'none':
        return 0;
      case 'delay':
        return Math.ceil(Math.random() * trouble.ms);
      case 'loss':
        if (++this.pieces % trouble.oneOf !== 0) return 0;
        this.reset(link);
        return undefined;
      case 'answers-lost':
        if (what === 'question') return 0;
        link.isTorn = true;
        return undefined;
      case 'half-open':
      case 'cut':
        link.isTorn = true;
        return undefined;
    }
  }

  private send(piece: Buffer, from: net.Socket, to: net.Socket): void {
    if (to.destroyed || to.write(piece)) return;
    from.pause();
    to.once('drain', () => from.resume());
  }

  private reset({ near, far }: Link): void {
    near.resetAndDestroy();
    far.resetAndDestroy();
  }
}
