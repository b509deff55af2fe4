import { isProviderName, type ProviderName } from './catalogue.js';

/** Whom a request asks for. */
export type WantedModel =
  | { readonly kind: 'auto' }
  /** This provider first, then the others. */
  | { readonly kind: 'prefer'; readonly provider: ProviderName }
  /** This model and no other. */
  | { readonly kind: 'only'; readonly provider: ProviderName; readonly model: string };

/** Reads `auto`, a provider's name or `provider/model`; undefined when it is none of these. */
export function readWantedModel(text = 'auto'): WantedModel | undefined {
  if (text === 'auto') return { kind: 'auto' };
  const [, provider, model] = /^([^/]+)(?:\/(.+))?$/s.exec(text) ?? [];
  if (!isProviderName(provider)) return undefined;
  // `openrouter/auto` is the head of the chain, and so with every provider: what it would take by itself.
  return model === undefined || model === 'auto'
    ? { kind: 'prefer', provider }
    : { kind: 'only', provider, model };
}
