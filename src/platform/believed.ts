const MOST = 2_000;

/**
 * What was looked up a moment ago is believed for a moment: lookups of one key within `forMs` share one answer. A lookup that
 * fails is not believed.
 */
export class Believed<V> {
  private readonly known = new Map<string, { readonly value: Promise<V>; readonly untilMs: number }>();

  constructor(private readonly forMs: number) {}

  of(key: string, lookUp: () => Promise<V>): Promise<V> {
    const now = performance.now();
    const known = this.known.get(key);
    if (known !== undefined && known.untilMs > now) return known.value;
    if (this.known.size >= MOST) this.known.clear();
    const value = lookUp();
    this.known.set(key, { value, untilMs: now + this.forMs });
    value.catch(() => this.known.delete(key));
    return value;
  }
}
