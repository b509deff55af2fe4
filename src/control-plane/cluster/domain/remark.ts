/** What became of a record that could not be taken as it came. */
export interface Remark {
  readonly kind: 'job' | 'service';
  readonly id: string;
  /** What was done with it, and why. */
  readonly text: string;
}
