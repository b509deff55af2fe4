/** Models that answer a conversation, whichever of them is usable now. */
export interface ChatModels {
  /** Rejects when none answers; the error's message is fit for people. */
  complete(request: {
    readonly messages: readonly ChatMessage[];
    readonly taskType?: 'planning';
    readonly signal?: AbortSignal;
  }): Promise<{ readonly text: string; readonly provider: string; readonly model: string }>;
}

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
}

/** Guidance from skills, as text for a prompt; empty when none fits. */
export interface Skills {
  guidanceFor(query: string): string;
}
