/** Until when each model rests, in milliseconds since 1970; absent when it does not. */
export type ModelRests = ReadonlyMap<string, number>;

/**
 * The models of a chain in the order in which they are tried: those that are not cooling by priority, then the cooling
 * ones, earliest end first.
 */
export function orderOfModels(chain: readonly string[], rests: ModelRests, now: number): readonly string[] {
  const endOf = (model: string) => {
    const end = rests.get(model) ?? 0;
    return end > now ? end : 0;
  };
  // Sorting is stable: equals keep their priority.
  return [...chain].sort((a, b) => endOf(a) - endOf(b));
}
