/** What is known of a component by all gateways together. */
export interface Standing {
  /** Whether an alert was raised after which no recovery was told. */
  readonly isDown: boolean;
  /** How long ago the last alert was; null when there was none. */
  readonly alertedAgoMs: number | null;
}

/**
 * What is to be told of a component that `failures` gateways find down: an alert, but only one in `alertEveryMs`, however
 * often it comes and goes; or, once, that it is up again, if anybody was told that it was not.
 */
export function verdictOf(
  { isDown, alertedAgoMs }: Standing,
  failures: number,
  alertEveryMs: number,
): 'alert' | 'recovery' | null {
  if (failures === 0) return isDown ? 'recovery' : null;
  return alertedAgoMs === null || alertedAgoMs >= alertEveryMs ? 'alert' : null;
}

/** A component counts as down when so many looks in a row have found it so: a moment is no outage. */
const LOOKS = 2;

/** Counts the looks in a row that found a component down. */
export class Persistence {
  private looks = 0;

  /** Whether a component counts as down after this look. Looks in the time of grace count as good. */
  note(isDown: boolean, isGrace: boolean): boolean {
    this.looks = isDown && !isGrace ? this.looks + 1 : 0;
    return this.looks >= LOOKS;
  }
}
