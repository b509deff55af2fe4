import { describe, expect, it } from '@jest/globals';
import { parseCron } from './cron.js';

describe('a cron expression', () => {
  it.each(['', '* * * *', '60 * * * *', '*/0 * * * *', 'a b c d e', '@reboot', '5-1 * * * *', '0 0 L * *'])(
    '%j is refused with a reason',
    (expression) => {
      const cron = parseCron(expression);
      expect('fault' in cron && cron.fault).toBeTruthy();
    },
  );

  it.each([
    ['0 3 * * *', false],
    ['0 0 3 * * *', false],
    ['@daily', false],
    ['*/5 * * * *', true],
    ['0 */2 * * *', true],
    ['30 0 * * * *', true],
    [' @HOURLY ', true],
  ])('%j speaks of intervals: %s', (expression, everyHour) => {
    expect(parseCron(expression)).toMatchObject({ everyHour });
  });
});
