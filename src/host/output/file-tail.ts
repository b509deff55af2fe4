import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, rmSync } from 'node:fs';
import { type StreamName } from '../runner/run-command.js';

const READ_BYTES = 65_536;
/** A file that is read to its end and has grown to this size starts anew. */
const ROTATE_BYTES = 1_048_576;
/** What has not been read when a file is as large as this is given up. */
const MOST_UNREAD_BYTES = 64 * 1_048_576;

/** Follows a file that a process appends to, and keeps it small. */
export class FileTail {
  private readonly fd: number;

  constructor(
    private readonly path: string,
    readonly stream: StreamName,
    /** How much of it has been read. */
    private place: number,
  ) {
    this.fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    if (fstatSync(this.fd).size < place) this.place = 0;
  }

  get position(): number {
    return this.place;
  }

  /** What has come since; undefined when nothing has. */
  read(): Buffer | undefined {
    const { size } = fstatSync(this.fd);
    if (size - this.place > MOST_UNREAD_BYTES) {
      const lost = size - this.place;
      this.restart();
      return Buffer.from(`\n[${lost} bytes of output were not shipped]\n`);
    }
    const buffer = Buffer.alloc(Math.min(READ_BYTES, Math.max(0, size - this.place)));
    const length = buffer.length === 0 ? 0 : readSync(this.fd, buffer, 0, buffer.length, this.place);
    this.place += length;
    // What is written between the read and this is lost: output of a service is a help, not a record.
    if (this.place >= ROTATE_BYTES && fstatSync(this.fd).size === this.place) this.restart();
    return length === 0 ? undefined : buffer.subarray(0, length);
  }

  close(): void {
    closeSync(this.fd);
    rmSync(this.path, { force: true });
  }

  /** The writer appends, so that it goes on at the new end. */
  private restart(): void {
    ftruncateSync(this.fd, 0);
    this.place = 0;
  }
}
