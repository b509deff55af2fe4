import { type ShipTo, LogShipper, type LogShipperOptions } from '../output/log-shipper.js';
import { FileTail } from '../output/file-tail.js';
import { type Output } from '../runner/supervised-process.js';
import { type ServiceNote } from '../state/run-records.js';
import { type StateDir } from '../../platform/state-dir/state-dir.js';

const FOLDER = 'output';
const LOOK_MS = 250;
const LAST_SHIPMENT_MS = 2_000;

export type Shipped = ServiceNote['shipped'];

/** The files that a service's process writes to, so that it goes on when the daemon dies. They are to be closed once it runs. */
export function openOutput(state: StateDir, runId: string): Exclude<Output, 'pipe'> {
  return {
    stdout: state.openForChild(FOLDER, `${runId}.stdout`),
    stderr: state.openForChild(FOLDER, `${runId}.stderr`),
  };
}

export interface ServiceOutputOptions extends Omit<LogShipperOptions, 'onSending' | 'onAllShipped'> {
  readonly state: StateDir;
  readonly runId: string;
  readonly to: Omit<ShipTo, 'lastSeq'>;
  /** Where an earlier life had got to. */
  readonly from: Shipped;
  readonly onShipped: (shipped: Partial<Shipped>) => void;
}

/**
 * Follows what a service's process writes and ships it. The files are the buffer: it reads on when what was read has
 * arrived. A life that ends in between has noted the sequence numbers that it may have used, but not what they said: the
 * next one ships that once more under new numbers, since twice is better than never.
 */
export class ServiceOutput {
  private readonly tails: readonly [FileTail, FileTail];
  private readonly shipper: LogShipper;
  private readonly timer: NodeJS.Timeout;

  constructor(options: ServiceOutputOptions) {
    const { state, runId, to, from, onShipped } = options;
    this.tails = [
      new FileTail(state.file(FOLDER, `${runId}.stdout`), 'stdout', from.stdout),
      new FileTail(state.file(FOLDER, `${runId}.stderr`), 'stderr', from.stderr),
    ];
    this.shipper = new LogShipper(
      { ...to, lastSeq: from.seq },
      {
        ...options,
        onSending: (seq) => onShipped({ seq }),
        onAllShipped: () => {
          onShipped({ stdout: this.tails[0].position, stderr: this.tails[1].position });
        },
      },
    );
    this.timer = setInterval(() => this.shipper.isIdle && this.pump(), LOOK_MS);
  }

  /** Ships the rest and forgets the files: the process has ended. */
  async finish(): Promise<void> {
    clearInterval(this.timer);
    while (this.shipper.hasRoom && this.pump());
    await this.shipper.finish(LAST_SHIPMENT_MS);
    for (const tail of this.tails) tail.close();
  }

  /** Reads a piece of each file. Whether one of them had something new. */
  private pump(): boolean {
    const pieces = this.tails.map((tail) => {
      const chunk = tail.read();
      if (chunk !== undefined) this.shipper.add(tail.stream, chunk);
      return chunk !== undefined;
    });
    return pieces.includes(true);
  }
}

/** Forgets the files of a process that has ended unwatched. */
export function dropOutput(state: StateDir, runId: string): void {
  state.remove(FOLDER, `${runId}.stdout`);
  state.remove(FOLDER, `${runId}.stderr`);
}
