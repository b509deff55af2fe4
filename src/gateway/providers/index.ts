export {
  type ChatMessage,
  type ChatReply,
  type ChatRequest,
  type Tool,
  type ToolCall,
} from './domain/chat.js';
export { type TaskType } from './domain/task-type.js';
export { ProvidersError } from './errors.js';
export { openAiErrorBody } from './http/openai-error.js';
export { ollamaThrough } from './ollama-through-actions.js';
export { type ChatModels, createProviders } from './providers.js';
export { type ProvidersConfig, providersConfig } from './providers.config.js';
