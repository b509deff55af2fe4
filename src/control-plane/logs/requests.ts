import { type LogEntry } from '../../contracts/skyclaw.js';
import { Problem } from '../../platform/problems/problem.js';
import { type AppendLogsResponse, CALL } from './logs.dto.js';
import { type Appended } from './logs.queries.js';

/** Throws when the texts of a call are too long together. */
export function refuseTooMuch(entries: readonly LogEntry[]): void {
  let bytes = 0;
  for (const { text } of entries) bytes += Buffer.byteLength(text);
  if (bytes > CALL.textBytes) {
    throw new Problem(
      'body-too-large',
      `The entries hold ${bytes} bytes of text; send at most ${CALL.textBytes} in one call.`,
    );
  }
}

export const responseOf = ({ lastSeq, isCut }: Appended): AppendLogsResponse => ({
  ok: true,
  lastSeq,
  full: isCut,
});
