import { type Stage } from '../support.js';

/** A task `t` in some trouble, or in none. */
export interface Case {
  readonly name: string;
  readonly setUp: (stage: Stage) => Promise<unknown>;
  /** The exact set of reasons, and of each what it must say at least; a list where there are several of a kind. */
  readonly reasons: Readonly<Record<string, object | readonly object[]>>;
  readonly runnable?: true;
  readonly never?: true;
}

/** Fields of a task: bound to a gateway, with files, with capabilities. */
export const strict = (gateway_id: string, more: object = {}): object => ({
  gateway_id,
  gateway_strict: true,
  ...more,
});
export const write = (...required_files: string[]): object => ({ required_files });
export const read = (...read_files: string[]): object => ({ read_files });
export const needs = (...required_capabilities: string[]): object => ({ required_capabilities });
export const PUSH = { delivery: 'push' };
export const PULL = { delivery: 'pull' };

/** Situations of one kind. */
export const situations = (cases: readonly Case[]): readonly Case[] => cases;
