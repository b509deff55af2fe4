import fc from 'fast-check';
import { isLong } from './long.js';

// Whoever changes one thing wants to see what that breaks: the standard tests try the same cases every time. The long
// ones search among new ones; what they find is printed with its seed.
if (!isLong) fc.configureGlobal({ seed: 20_251_122 });

/** How many cases a property is tried on. */
export const runs = (standard: number): number => (isLong ? 20 * standard : standard);

export { fc };
