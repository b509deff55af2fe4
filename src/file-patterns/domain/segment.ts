import { bracketEnd, madePlain, plainCharacter } from './brackets.js';
import { ANY_CHARACTER, bracketSet, type CharacterSet, codePointOf, only } from './character-set.js';

/** A run of any characters within a segment. */
export const STAR = '*';

export type Token = typeof STAR | CharacterSet;

/** One way to read a segment: as a name, or as characters and stars. */
export type Form = { readonly name: string } | { readonly tokens: readonly Token[] };

/** A pattern for one name between slashes. Never matches an empty name, `.` or `..`. */
export interface Segment {
  /** The name when it matches only one. */
  readonly name: string | null;
  /** As the caller wrote it, in normal form. */
  readonly text: string;
  /** The same, with each character made plain that could be taken for something else. */
  readonly plainText: string;
  /** Whether it is a lone star, which matches all names. */
  readonly isAny: boolean;
  /**
   * A segment with brackets has two: the set, and the name that it spells. Files such as `[id].tsx` are common, and
   * whoever names one must own it.
   */
  readonly forms: readonly Form[];
}

/** A name without any glob. */
function nameSegment(name: string): Segment {
  return { name, text: name, plainText: madePlain(name), isAny: false, forms: [{ name }] };
}

/** Reads a segment whose brackets are balanced. */
export function readSegment(source: string): Segment {
  if (!/[*?[]/.test(source)) return nameSegment(source);
  const pieces = readPieces(source);
  const text = pieces.map((piece) => piece.text).join('');
  return {
    name: pieces.every((piece) => piece.kind === 'character') ? text : null,
    text,
    plainText: pieces
      .map((piece) => (piece.kind === 'character' ? madePlain(piece.text) : piece.text))
      .join(''),
    isAny: text === '*' && pieces[0]?.kind === 'star',
    forms: pieces.some((piece) => piece.kind === 'set')
      ? [formOf(pieces), formOf(pieces.flatMap(spelled))]
      : [formOf(pieces)],
  };
}

interface Piece {
  readonly kind: 'character' | 'any' | 'star' | 'set';
  readonly text: string;
}

/** Runs of stars are one star, and it stands behind the question marks beside it: `*?*` is `?*`. */
function readPieces(source: string): readonly Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < source.length;) {
    const [piece, length] = readPiece(source, at);
    at += length;
    const last = pieces.at(-1);
    if (last?.kind === 'star' && piece.kind === 'star') continue;
    if (last?.kind === 'star' && piece.kind === 'any') pieces.splice(-1, 0, piece);
    else pieces.push(piece);
  }
  return pieces;
}

function readPiece(source: string, at: number): [piece: Piece, length: number] {
  const character = String.fromCodePoint(source.codePointAt(at) ?? 0);
  if (character === '*') return [{ kind: 'star', text: '*' }, 1];
  if (character === '?') return [{ kind: 'any', text: '?' }, 1];
  const close = character === '[' ? bracketEnd(source, at) : -1;
  if (close === -1) return [{ kind: 'character', text: character }, character.length];
  const text = source.slice(at, close + 1);
  const plain = plainCharacter(text.slice(1, -1));
  return [plain === null ? { kind: 'set', text } : { kind: 'character', text: plain }, text.length];
}

function spelled(piece: Piece): readonly Piece[] {
  return piece.kind === 'set' ? Array.from(piece.text, (text) => ({ kind: 'character', text })) : [piece];
}

function formOf(pieces: readonly Piece[]): Form {
  return pieces.every((piece) => piece.kind === 'character')
    ? { name: pieces.map((piece) => piece.text).join('') }
    : { tokens: pieces.map(tokenOf) };
}

function tokenOf({ kind, text }: Piece): Token {
  switch (kind) {
    case 'star':
      return STAR;
    case 'any':
      return ANY_CHARACTER;
    case 'set':
      return bracketSet(text.slice(1, -1));
    case 'character':
      return only(codePointOf(text));
  }
}
