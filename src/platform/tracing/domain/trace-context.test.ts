import { describe, expect, it } from '@jest/globals';
import { fc } from '../../../../test/support/properties.js';
import {
  idsOf,
  MAX_TRACESTATE,
  readTraceContext,
  traceEnvironment,
  traceFields,
  traceparentOf,
} from './trace-context.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const TRACEPARENT = `00-${TRACE}-${SPAN}-01`;

describe('a trace context', () => {
  it('is what the header says', () => {
    const context = readTraceContext({ traceparent: TRACEPARENT, tracestate: 'a=1, b@c=2 ,,' });
    expect(context).toEqual({ traceparent: TRACEPARENT, tracestate: 'a=1,b@c=2' });
    expect(idsOf({ traceparent: TRACEPARENT, tracestate: null })).toEqual({
      ...{ traceId: TRACE, spanId: SPAN, flags: 1 },
    });
    expect(traceFields(context)).toEqual(context);
    expect(traceEnvironment(context)).toEqual({ TRACEPARENT, TRACESTATE: 'a=1,b@c=2' });
  });

  it.each([
    ['a later version, with more behind it', `01-${TRACE}-${SPAN}-01-more`],
    ['flags that nobody knows', `00-${TRACE}-${SPAN}-f9`],
    ['blanks around it', ` ${TRACEPARENT} `],
  ])('is brought into its normal form: %s', (_what, traceparent) => {
    expect(readTraceContext({ traceparent })).toEqual({ traceparent: TRACEPARENT, tracestate: null });
  });

  it.each([
    ['nothing', undefined],
    ['no text', 7],
    ['empty', ''],
    ['a version that is forbidden', `ff-${TRACE}-${SPAN}-01`],
    ['more than version 00 has', `${TRACEPARENT}-more`],
    ['capitals', TRACEPARENT.toUpperCase()],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['two headers', `${TRACEPARENT}, ${TRACEPARENT}`],
    ['a line break', `${TRACEPARENT}\nX=1`],
    ['endless', `01-${TRACE}-${SPAN}-01-${'x'.repeat(10_000)}`],
  ])('is none: %s', (_what, traceparent) => {
    expect(readTraceContext({ traceparent, tracestate: 'a=1' })).toBeNull();
  });

  it.each(['a', 'A=1', 'a=1\nb', 'a==', 'ä=1', Array.from({ length: 33 }, (_, n) => `k${n}=1`).join(','), 7])(
    'goes without a state that cannot be read: %j',
    (tracestate) => {
      expect(readTraceContext({ traceparent: TRACEPARENT, tracestate })).toEqual({
        ...{ traceparent: TRACEPARENT, tracestate: null },
      });
    },
  );

  it('keeps the newest entries of a state that is too long', () => {
    const entries = Array.from({ length: 10 }, (_, n) => `key${n}=${'x'.repeat(100)}`);
    const kept = readTraceContext({ traceparent: TRACEPARENT, tracestate: entries.join(',') });
    expect(kept?.tracestate).toBe(entries.slice(0, 4).join(','));
  });

  it('is nothing where there is none', () => {
    expect(traceFields(null)).toEqual({});
    expect(traceEnvironment(null)).toEqual({});
  });

  it('is read back as it was written, and anything else never throws', () => {
    const hex = (length: number) =>
      fc.string({
        unit: fc.constantFrom(...Array.from('0123456789abcdef')),
        minLength: length,
        maxLength: length,
      });
    fc.assert(
      fc.property(hex(32), hex(16), fc.integer({ min: 0, max: 3 }), (traceId, spanId, flags) => {
        fc.pre(!/^0+$/.test(traceId) && !/^0+$/.test(spanId));
        const traceparent = traceparentOf({ traceId, spanId, flags });
        expect(readTraceContext({ traceparent })).toEqual({ traceparent, tracestate: null });
      }),
    );
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (traceparent, tracestate) => {
        const ofState = readTraceContext({ traceparent: TRACEPARENT, tracestate })?.tracestate ?? '';
        expect(ofState.length).toBeLessThanOrEqual(MAX_TRACESTATE);
        readTraceContext({ traceparent, tracestate });
      }),
    );
  });
});
