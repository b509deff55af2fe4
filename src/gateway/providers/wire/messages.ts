import { type ChatMessage } from '../domain/chat.js';

/** The texts of all system messages: some formats have one place for them, beside the conversation. */
export function systemText(messages: readonly ChatMessage[]): string {
  return messages
    .filter(({ role, content }) => role === 'system' && content !== '')
    .map(({ content }) => content)
    .join('\n\n');
}

/** Whom each tool call of a conversation went to: some formats name the tool in its answer, and not the call. */
export function toolNames(messages: readonly ChatMessage[]): ReadonlyMap<string, string> {
  return new Map(
    messages.flatMap(({ toolCalls = [] }) => toolCalls.map(({ id, name }) => [id, name] as const)),
  );
}

/** The messages but the system's, neighbours of one speaker together, as `speakerOf` tells. */
export function turnsOf<Speaker>(
  messages: readonly ChatMessage[],
  speakerOf: (message: ChatMessage) => Speaker,
): readonly { readonly speaker: Speaker; readonly messages: readonly ChatMessage[] }[] {
  const turns: { readonly speaker: Speaker; readonly messages: ChatMessage[] }[] = [];
  for (const message of messages) {
    if (message.role === 'system') continue;
    const speaker = speakerOf(message);
    const turn = turns.at(-1);
    if (turn?.speaker === speaker) turn.messages.push(message);
    else turns.push({ speaker, messages: [message] });
  }
  return turns;
}
