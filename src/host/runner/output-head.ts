import { outputText } from '../domain/output-text.js';

/** The beginning of a stream; the rest is read and forgotten, so that a flood neither blocks a child nor fills memory. */
export class OutputHead {
  private readonly chunks: Buffer[] = [];
  private kept = 0;
  private seen = 0;

  constructor(private readonly maxBytes: number) {}

  add(chunk: Buffer): void {
    this.seen += chunk.length;
    if (this.kept >= this.maxBytes) return;
    // A copy: a view would keep the whole chunk that it is a view of.
    const part = Buffer.from(chunk.subarray(0, this.maxBytes - this.kept));
    this.chunks.push(part);
    this.kept += part.length;
  }

  text(): string {
    return outputText(Buffer.concat(this.chunks), this.seen === this.kept, this.maxBytes);
  }
}
