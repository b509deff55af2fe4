/** Parsed JSON of whatever shape. Tests look deep into answers, and an assertion says more about one than a type would. */
export type Json = ReturnType<typeof JSON.parse>;
