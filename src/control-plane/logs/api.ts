import { type ApiHeaderOptions, type ApiResponseOptions, getSchemaPath } from '@nestjs/swagger';
import { LogsResponse } from './logs.dto.js';

/** 256 KiB of text, escaped, with what stands around it. */
export const MAX_APPEND_BYTES = 2 * 1_048_576;

const EXAMPLE = `retry: 2000
id: WzAsMF0

id: WzEsMF0
event: log
data: {"seq":1,"stream":"stdout","text":"hello\\n","attempt":1,"hostId":"host-1","at":"2026-01-31T10:00:00.000Z"}

: ping

`;

/** What both routes that read say of themselves. */
export const readDescription =
  'With `follow=1` the answer is a stream of Server-Sent Events: each entry is an event `log` with its cursor as `id`, none ' +
  'is missed and none comes twice. A stream that breaks is resumed by `Last-Event-ID`, which an EventSource sends by ' +
  'itself. Silence is broken by a comment every 15 s; a client that takes nothing for 30 s is cut off.';

export const LAST_EVENT_ID: ApiHeaderOptions = {
  name: 'Last-Event-ID',
  required: false,
  description: 'The `id` of the last event that was received; wins over `after`.',
  schema: { type: 'string' },
};

export const readAnswer: ApiResponseOptions = {
  description: 'A page, or the stream.',
  content: {
    'application/json': { schema: { $ref: getSchemaPath(LogsResponse) } },
    'text/event-stream': { schema: { type: 'string' }, example: EXAMPLE },
  },
};
