import { Readers } from '../contenders/skynet.mjs';
import { filled } from './entries.mjs';

const CLIENTS = 16;
const EVENTS_PER_TASK = 3;

/** The cycle with programs that read the log from its beginning; all must have seen all of it. */
async function withReaders(skynet, count, { readers, way }) {
  const program = new Readers('readers');
  await program.start(skynet);
  try {
    await program.call('startReaders', { readers, way });
    const cpu = program.cpu().client;
    const outcome = await skynet.call('cycle', { count, clients: CLIENTS });
    const expected = count * EVENTS_PER_TASK * readers;
    const { events_seen, ...lag } = await program.call('stopReaders', { events: expected });
    const used = program.cpu().client;
    const readers_cpu_ms = cpu === null || used === null ? {} : { readers_cpu_ms: (used - cpu) / count };
    return { ...outcome, figures: { ...lag, events_missing: expected - events_seen, ...readers_cpu_ms } };
  } finally {
    await program.stop();
  }
}

export default {
  name: 'event-readers',
  title: 'With readers of the log',
  about: `Claim→start→complete by ${CLIENTS} clients while others follow every event, by pages or as a stream; the lag is from the start of the transaction that wrote an event until a reader has it.`,
  /** @param {import('../lib/bench.mjs').Bench} bench */
  async run(bench) {
    const count = bench.sizes.singles;
    const entry = (label, run) => ({ label, contender: 'skynet', count, prepare: filled, run });
    await bench.compare(`${CLIENTS} clients`, [
      entry('no reader', (contender, tasks) => contender.call('cycle', { count: tasks, clients: CLIENTS })),
      ...['poll', 'stream'].flatMap((way) =>
        bench.sizes.readers.map((readers) =>
          entry(`${readers} readers, ${way}`, (contender, tasks) =>
            withReaders(contender, tasks, { readers, way }),
          ),
        ),
      ),
    ]);
  },
};
