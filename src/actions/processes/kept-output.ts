import { cutText } from '../cut-text.js';

/** How much of a stream is kept, and which end of it; the rest is read and forgotten. */
export interface Keep {
  readonly from: 'start' | 'end';
  readonly maxCharacters: number;
}

/** No character of UTF-8 has more bytes. */
const BYTES_PER_CHARACTER = 4;

/** One end of a stream, so that a flood neither blocks its writer nor fills memory. */
export class KeptOutput {
  private chunks: Buffer[] = [];
  private size = 0;
  private readonly maxBytes: number;

  constructor(private readonly keep: Keep) {
    this.maxBytes = keep.maxCharacters * BYTES_PER_CHARACTER;
  }

  add(chunk: Buffer): void {
    if (this.keep.from === 'start') {
      if (this.size >= this.maxBytes) return;
      // A copy: a view would keep the whole chunk that it is a view of.
      this.append(Buffer.from(chunk.subarray(0, this.maxBytes - this.size)));
      return;
    }
    this.append(Buffer.from(chunk.subarray(-this.maxBytes)));
    // Twice as much is let in before it is cut, so that each byte is copied once more at most.
    if (this.size > 2 * this.maxBytes) this.replace(Buffer.concat(this.chunks).subarray(-this.maxBytes));
  }

  text(): string {
    const all = Buffer.concat(this.chunks).toString('utf8');
    return this.keep.from === 'start'
      ? cutText(all, this.keep.maxCharacters)
      : all.slice(-this.keep.maxCharacters).toWellFormed();
  }

  private append(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.size += chunk.length;
  }

  private replace(whole: Buffer): void {
    this.chunks = [Buffer.from(whole)];
    this.size = whole.length;
  }
}
