import { type ActionsService } from '../actions/actions.service.js';
import { type Executors } from '../executors/executors.js';
import { type OllamaAction } from './adapters/executor-adapter.js';

const ACTION = 'ollama_chat';

/** Chats with Ollama through the gateway's own executors: emergency stop, rate and tiers hold as for any action. */
export function ollamaThrough(actions: ActionsService, executors: Executors): OllamaAction {
  return {
    isAvailable: () =>
      !actions.isDraining &&
      (executors
        .choose()
        ?.sessions()
        .some(({ capabilities }) => capabilities.includes(ACTION)) ??
        false),
    run: async (params) => {
      const { body } = await actions.handle({ action: ACTION, params, confirmed: false });
      if ('result' in body) return body.result;
      throw new Error(body.error ?? 'The action gave no result.');
    },
  };
}
