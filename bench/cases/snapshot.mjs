import { filled } from './entries.mjs';

const CLIENTS = 16;
const NAMES = ['skynet', 'pg-boss'];
const SNAPSHOT = 'begin isolation level repeatable read; select count(*) from pg_class';

/** The pace before another session opens a snapshot, and at the end of a time with it. */
async function underSnapshot(contender, { seconds, window }) {
  const before = await contender.call('cycleFor', { seconds: window, clients: CLIENTS });
  return contender.session(async (reader) => {
    await reader.query(SNAPSHOT);
    const middle = await contender.call('cycleFor', { seconds: seconds - window, clients: CLIENTS });
    const last = await contender.call('cycleFor', { seconds: window, clients: CLIENTS });
    await reader.query('rollback');
    const pace = ({ done, seconds: took }) => done / took;
    return {
      done: before.done + middle.done + last.done,
      seconds: before.seconds + middle.seconds + last.seconds,
      figures: {
        rate_before: pace(before),
        rate_at_the_end: pace(last),
        slowdown: pace(before) / pace(last),
      },
    };
  });
}

export default {
  name: 'snapshot',
  title: 'Beside a long report',
  about: `Claim→start→complete by ${CLIENTS} clients while another session keeps a snapshot open, so that nothing dead can be removed: the pace before, and at the end of that time.`,
  /** @param {import('../lib/bench.mjs').Bench} bench */
  async run(bench) {
    const { seconds, window, backlog } = bench.sizes.snapshot;
    await bench.compare(
      `${seconds} s`,
      NAMES.map((name) => ({
        label: name,
        contender: name,
        count: backlog,
        prepare: filled,
        run: (contender) => underSnapshot(contender, { seconds, window }),
        cold: true,
      })),
    );
  },
};
