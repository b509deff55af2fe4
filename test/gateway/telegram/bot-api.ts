import { type IncomingMessage, type ServerResponse } from 'node:http';
import { eventually } from '../../support/eventually.js';
import { type Json } from '../../support/json.js';
import { reply, StubServer } from '../../support/stub-server.js';

export const BOT_TOKEN = '12345:the-token-of-the-bot';

interface Sent {
  readonly method: string;
  readonly body: Json;
}

/** Stands in for Telegram's Bot API: delivers updates by long poll, and remembers what the bot sends. */
export class BotApi extends StubServer {
  readonly sent: Sent[] = [];
  private readonly updates: { readonly update_id: number }[] = [];
  private waiting: (() => void) | undefined;
  private lastId = 0;

  /** Sends the bot a message; returns at once. */
  says(text: string, userId = 7): void {
    this.deliver({
      message: { message_id: 1, date: 1, chat: { id: userId, type: 'private' }, from: person(userId), text },
    });
  }

  /** Presses a button of the last question. */
  presses(label: string, userId = 7): void {
    const buttons = this.texts().at(-1)?.reply_markup.inline_keyboard.flat() as {
      text: string;
      callback_data: string;
    }[];
    const data = buttons.find(({ text }) => text === label)?.callback_data ?? 'none';
    this.pressesData(data, userId);
  }

  pressesData(data: string, userId = 7): void {
    const message = { message_id: 2, date: 1, chat: { id: userId, type: 'private' }, text: 'question' };
    this.deliver({
      callback_query: { id: 'q', from: person(userId), chat_instance: 'c', data, message },
    });
  }

  /** The messages that the bot has sent. */
  texts(): Json[] {
    return this.of('sendMessage');
  }

  /** The `count`th message of the bot, once it is there. */
  answer(count: number): Promise<Json> {
    return eventually(`there are ${count} answers`, () => Promise.resolve(this.texts()[count - 1]), 30_000);
  }

  /** Sends the bot a message, and waits for its next one. */
  async ask(text: string): Promise<string> {
    const count = this.texts().length + 1;
    this.says(text);
    return (await this.answer(count)).text as string;
  }

  of(method: string): Json[] {
    return this.sent.filter((sent) => sent.method === method).map(({ body }) => body);
  }

  protected override async serve(
    request: IncomingMessage,
    response: ServerResponse,
    text: string,
  ): Promise<void> {
    const [, token = '', method = ''] = /^\/bot([^/]+)\/(\w+)$/.exec(request.url ?? '') ?? [];
    if (token !== BOT_TOKEN) {
      reply(response, 401, { ok: false, error_code: 401, description: 'Unauthorized' });
      return;
    }
    const body = text === '' ? {} : JSON.parse(text);
    if (method === 'getUpdates') {
      reply(response, 200, { ok: true, result: await this.next(Number(body.offset ?? 0), response) });
      return;
    }
    this.sent.push({ method, body });
    const me = { id: 1, is_bot: true, first_name: 'Bot', username: 'a_bot' };
    const message = { message_id: 2, date: 1, chat: { id: 7, type: 'private' } };
    const result = method === 'getMe' ? me : method === 'sendMessage' ? message : true;
    reply(response, 200, { ok: true, result });
  }

  private deliver(update: object): void {
    this.updates.push({ update_id: ++this.lastId, ...update });
    this.waiting?.();
  }

  /** Waits like Telegram does, until there is something or the bot hangs up. */
  private async next(offset: number, response: ServerResponse): Promise<object[]> {
    const due = () => this.updates.filter((update) => update.update_id >= offset);
    if (due().length === 0) {
      await new Promise<void>((done) => {
        this.waiting = done;
        response.on('close', done);
      });
    }
    return due();
  }
}

const person = (id: number) => ({ id, is_bot: false, first_name: 'P' });
