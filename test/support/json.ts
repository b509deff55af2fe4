/** Parsed JSON of any shape. Tests look deep into answers, and an assertion says more about one than a type would. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- `unknown` would need a cast at each of a thousand looks
export type Json = any;
