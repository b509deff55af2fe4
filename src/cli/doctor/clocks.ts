import { type Asks } from '../../platform/database/session.js';
import { type Finding, ok, trouble, warning } from '../findings.js';
import { databaseClockMs, type Replica } from './doctor.queries.js';

/** Beyond it times in logs and answers mislead. */
const ODD_SECONDS = 2;
/** Beyond it keys that expire, run times and signatures are judged by a time that is not. */
const WRONG_SECONDS = 60;
const SAMPLES = 5;

const MEANING =
  'Leases are decided by the database alone, so no task is lost. Times in logs, signatures of webhooks and what is counted from a clock of this machine are off.';
const REMEDY = 'Let the machine keep time by NTP (timedatectl status, chronyc tracking).';

/** How far the clocks of this machine and of all live replicas are from the database's. */
export async function lookAtClocks(session: Asks, replicas: readonly Replica[]): Promise<Finding[]> {
  const { aheadSeconds, give } = await ownClock(session);
  const known = replicas.flatMap(({ replica, nodeId, aheadSeconds: ahead }) =>
    ahead === null ? [] : [judge(`replica ${replica} (${nodeId})`, ahead, 0)],
  );
  const silent = replicas.length - known.length;
  return [
    judge('this machine', aheadSeconds, give),
    ...known,
    ...(silent === 0
      ? []
      : [ok('clock', `${silent} replicas of an older release do not say what their clocks show.`)]),
  ];
}

function judge(whose: string, aheadSeconds: number, give: number): Finding {
  const off = Math.abs(aheadSeconds);
  const said = `${whose} is ${off.toFixed(off < 1 ? 3 : 1)} s ${aheadSeconds < 0 ? 'behind' : 'ahead of'} the database${give > 0 ? ` (± ${give.toFixed(3)} s)` : ''}.`;
  if (off - give > WRONG_SECONDS) return trouble('clock', said, MEANING, REMEDY);
  if (off - give > ODD_SECONDS) return warning('clock', said, MEANING, REMEDY);
  return ok('clock', said);
}

/** The shortest of some questions says it best: the clock was read somewhere between question and answer. */
async function ownClock(session: Asks): Promise<{ readonly aheadSeconds: number; readonly give: number }> {
  let best = { aheadSeconds: 0, give: Infinity };
  for (let sample = 0; sample < SAMPLES; sample++) {
    const [askedAt, begun] = [Date.now(), performance.now()];
    const theirs = await databaseClockMs(session);
    const tookMs = performance.now() - begun;
    const give = tookMs / 2_000;
    if (give < best.give) best = { aheadSeconds: (askedAt + tookMs / 2 - theirs) / 1_000, give };
  }
  return best;
}
