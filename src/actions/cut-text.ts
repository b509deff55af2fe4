/**
 * At most `maxCharacters` of `text`, and nothing that has no UTF-8: neither the cut nor the program that wrote the text
 * leaves half of a surrogate pair.
 */
export function cutText(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text.toWellFormed();
  const last = text.charCodeAt(maxCharacters - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, splitsPair ? maxCharacters - 1 : maxCharacters).toWellFormed();
}
