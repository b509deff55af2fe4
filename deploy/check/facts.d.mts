import { type Variable } from '../../src/platform/config/variables/index.js';

export interface Facts {
  readonly variables: Readonly<Record<string, Variable>>;
  readonly compose: {
    readonly services: Readonly<
      Record<string, { readonly command?: string; readonly environment: Readonly<Record<string, string>> }>
    >;
  };
  readonly openPaths: Readonly<Record<string, readonly string[]>>;
}

export const facts: Facts;
