import { type Fields } from './protocol.js';

export interface Row {
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly idempotencyKey?: string;
  readonly stopReason?: string;
}

/** A turn as it was asked for. */
export interface Asked {
  readonly message: string;
  /** In seconds; null where the request itself has none. */
  readonly timeout: number | null;
}

/** What lies on the gateway's disk: it outlives the process. */
export interface Session {
  permissionMode: string;
  model: string | null;
  readonly rows: Row[];
  /** A turn that has begun and not ended, to be resumed by the next process. */
  interrupted: Asked | null;
}

/** The text of a row, beyond which `sessions_history` cuts it. */
const LONGEST = 4_000;

export class Sessions {
  private readonly byKey = new Map<string, Session>();

  get(key: string): Session | undefined {
    return this.byKey.get(key);
  }

  getOrCreate(key: string): Session {
    const session = this.byKey.get(key) ?? { permissionMode: '', model: null, rows: [], interrupted: null };
    this.byKey.set(key, session);
    return session;
  }

  interrupted(): (readonly [string, Session])[] {
    return [...this.byKey].filter(([, session]) => session.interrupted !== null);
  }

  /** `chat.history`, with the run that is under way in it. */
  history(key: string, limit: number, runId: string | undefined): Fields {
    const rows = this.numbered(key);
    return {
      sessionKey: key,
      messages: rows.slice(-limit),
      hasMore: rows.length > limit,
      pendingInputs: { items: [], total: 0 },
      sessionInfo: { key, hasActiveRun: runId !== undefined },
      ...(runId === undefined ? {} : { inFlightRun: { runId } }),
    };
  }

  /** The tool `sessions_history`: it tells of no run, and cuts long texts. */
  toolHistory(key: string, limit: number): Fields {
    if (!this.byKey.has(key)) return { status: 'error', error: `No session found: ${key}` };
    const messages = this.numbered(key)
      .slice(-limit)
      .map((row) => ({ ...row, content: cut(row.content) }));
    return { sessionKey: key, messages, droppedMessages: false, pendingInputs: { items: [], total: 0 } };
  }

  private numbered(key: string): (Row & Fields)[] {
    return (this.get(key)?.rows ?? []).map((row, index) => ({ ...row, __openclaw: { seq: index + 1 } }));
  }
}

const cut = (text: string) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}\n…(truncated)…` : text);
