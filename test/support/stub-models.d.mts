import { type ChatModels } from '../../src/gateway/projects/index.js';

/** Models behind one provider that speaks OpenAI's format at `url`, for gateways of tests. */
export function modelsAt(url: string): ChatModels;
