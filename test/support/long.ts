/** Whether the tests run by `npm run test:long`: the same promises, with more of everything that tries to break them. */
export const isLong = process.env['SKYNET_TEST_LONG'] === '1';

/** How long a test of which there is more may take. */
export const limitMs = (standardMs: number): number => (isLong ? 20 * standardMs : standardMs);
