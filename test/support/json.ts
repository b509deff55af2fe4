/** Parsed JSON of any shape. Tests look deep into answers, and an assertion says more about one than a type would. */
// `unknown` would need a cast at each of a thousand looks.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Json = any;
