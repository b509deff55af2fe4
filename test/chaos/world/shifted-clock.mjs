// Preloaded into a program whose clock is to be wrong: the time of day is off by CHAOS_CLOCK_OFFSET_MS, however it is asked
// for. What measures spans (performance.now, hrtime, timers) goes on as before, as on a machine whose clock is wrong.
const offsetMs = Number(process.env.CHAOS_CLOCK_OFFSET_MS);
const TrueDate = Date;

class ShiftedDate extends TrueDate {
  constructor(...values) {
    if (values.length === 0) super(TrueDate.now() + offsetMs);
    else super(...values);
  }

  static now() {
    return TrueDate.now() + offsetMs;
  }
}

globalThis.Date = ShiftedDate;
