/** The token of an `Authorization: Bearer …` header, or an empty text. */
export function bearerOf(authorization: string | undefined): string {
  if (authorization === undefined) return '';
  return /^bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '';
}
