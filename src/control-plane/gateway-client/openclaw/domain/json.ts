import { type JsonObject } from '../../../../platform/database/row.js';

/** Readers for what another program has sent: what is missing or of another type is as good as not there. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const objectIn = (value: unknown, field: string): JsonObject => {
  const inner = isObject(value) ? value[field] : undefined;
  return isObject(inner) ? inner : {};
};

export const textIn = (value: unknown, field: string): string => {
  const inner = isObject(value) ? value[field] : undefined;
  return typeof inner === 'string' ? inner : '';
};

export const listIn = (value: unknown, field: string): readonly unknown[] => {
  const inner = isObject(value) ? value[field] : undefined;
  return Array.isArray(inner) ? inner : [];
};

export const numberIn = (value: unknown, field: string): number | null => {
  const inner = isObject(value) ? value[field] : undefined;
  return typeof inner === 'number' && Number.isFinite(inner) ? inner : null;
};
