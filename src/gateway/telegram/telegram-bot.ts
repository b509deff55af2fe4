import { setTimeout as wait } from 'node:timers/promises';
import { Bot, type Context, GrammyError, InlineKeyboard } from 'grammy';
import { type Logger } from '../../platform/logging/logger.js';
import { type Command } from './command.js';
import { parseCommandLine } from './domain/command-line.js';
import { OpenQuestions } from './open-questions.js';
import { type TelegramConfig } from './telegram.config.js';

/** Telegram's own limit is 4096. */
const MOST_TEXT = 4_000;
const LONG_POLL_SECONDS = 30;
const CALL_SECONDS = 45;
const RESTART_MS = 30_000;
const STOP_MS = 1_000;
const MOST_AT_ONCE = 16;

/**
 * The bot: hears one user, runs the commands that features have brought, and asks by buttons before it does what needs a
 * yes. Commands run beside each other, so a long one keeps no emergency stop waiting.
 */
export class TelegramBot {
  private readonly bot: Bot;
  private commands: ReadonlyMap<string, Command> = new Map();
  private readonly questions = new OpenQuestions();
  private readonly stopping = new AbortController();
  /** Rejects when the bot stops, so that nobody waits for a Telegram that is away. */
  private readonly stopped: Promise<never>;
  private running = 0;

  constructor(
    private readonly config: TelegramConfig,
    private readonly logger: Logger,
  ) {
    this.bot = new Bot(config.token, {
      client: { apiRoot: config.apiBase, timeoutSeconds: CALL_SECONDS, sensitiveLogs: false },
    });
    this.bot.on('message:text', (context) =>
      this.beside(context, () => this.hear(context, context.message.text)),
    );
    this.bot.on('callback_query:data', (context) =>
      this.beside(context, () => this.decide(context, context.callbackQuery.data)),
    );
    this.stopped = new Promise((_, reject) => {
      this.stopping.signal.addEventListener('abort', () => reject(new Error('the bot has stopped')));
    });
    this.stopped.catch(() => undefined);
    this.bot.catch(({ error }) => this.warn('An update of Telegram was not handled', error));
  }

  /**
   * Listens for these commands from now on; a Telegram that is away or refuses is asked again and again. Returns at once.
   * Throws when two commands have one name.
   */
  start(commands: readonly Command[]): void {
    this.commands = new Map(commands.map((command) => [command.name, command]));
    if (this.commands.size < commands.length) throw new Error('Two commands of the bot have one name.');
    void this.poll();
  }

  /** Tells the user something of its own accord. Rejects, without a secret, when Telegram does not take it. */
  async tell(text: string): Promise<void> {
    await this.send(text);
  }

  /**
   * Asks the user for a yes. Whatever is no yes within `limitMs`, the end of `signal` included, is a no; so is a Telegram that
   * does not take the question.
   */
  async approves(question: string, limitMs: number, signal: AbortSignal): Promise<Approval> {
    const over = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
    let id = '';
    try {
      return await new Promise<Approval>((resolve, reject) => {
        over.throwIfAborted();
        over.addEventListener('abort', () => resolve('unanswered'), { once: true });
        id = this.questions.add({
          question,
          approve: () => {
            resolve('approved');
            return Promise.resolve('Approved.');
          },
          deny: () => resolve('denied'),
        });
        this.send(question, buttonsFor(id)).catch(reject);
      });
    } catch (error) {
      this.warn('A question was not asked', error);
      return 'unanswered';
    } finally {
      this.questions.take(id);
    }
  }

  /** Hears nothing any more; takes a second at most. What runs goes on, as actions do. */
  async stop(): Promise<void> {
    this.stopping.abort();
    const stopped = this.bot.stop().catch((error: unknown) => this.debug('The bot did not sign off', error));
    await Promise.race([stopped, wait(STOP_MS, undefined, { ref: false })]);
  }

  private async poll(): Promise<void> {
    const { signal } = this.stopping;
    while (!isAborted(signal)) {
      try {
        await this.bot.start({
          timeout: LONG_POLL_SECONDS,
          allowed_updates: ['message', 'callback_query'],
          onStart: () => this.logger.info('The Telegram bot listens.'),
        });
      } catch (error) {
        if (isAborted(signal)) return;
        this.warn('The Telegram bot does not listen; trying again', error);
        await wait(RESTART_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Runs `work` for the one user, beside all others. */
  private beside(context: Context, work: () => Promise<void>): void {
    if (context.from?.id !== this.config.allowedUserId) return;
    this.running++;
    void work()
      .catch((error: unknown) => this.warn('Telegram was not answered', error))
      .finally(() => this.running--);
  }

  private async hear(context: Context, text: string): Promise<void> {
    const line = parseCommandLine(text);
    if (line === null) return;
    const command = this.commands.get(line.name);
    if (command === undefined) {
      await this.say(context, this.help());
      return;
    }
    if (this.running > MOST_AT_ONCE && command.isUrgent !== true) {
      await this.say(context, 'Too much is going on; try again when some of it has ended.');
      return;
    }
    const answer = await this.outcomeOf(() => command.run(line.args));
    if (typeof answer === 'string') {
      await this.say(context, answer);
      return;
    }
    const id = this.questions.add(answer);
    await context.reply(shortened(answer.question), { reply_markup: buttonsFor(id) });
  }

  private async decide(context: Context, data: string): Promise<void> {
    const [decision, id = ''] = data.split(':', 2);
    const question = this.questions.take(id);
    // It stops the button's turning, and says what no message says.
    await context.answerCallbackQuery(question === undefined ? 'This question is no longer open.' : {});
    if (question === undefined) return;
    await context.editMessageReplyMarkup();
    if (decision === 'approve') {
      await this.say(context, await this.outcomeOf(question.approve));
      return;
    }
    question.deny?.();
    await this.say(context, 'Denied.');
  }

  private async send(text: string, buttons?: InlineKeyboard): Promise<void> {
    const options = {
      link_preview_options: { is_disabled: true },
      ...(buttons === undefined ? {} : { reply_markup: buttons }),
    };
    const sent = this.bot.api.sendMessage(this.config.allowedUserId, shortened(text), options);
    await Promise.race([sent, this.stopped]).catch((error: unknown) => {
      // Without its cause, which holds the token.
      throw new Error(`Telegram did not take a message: ${messageOf(error)}`);
    });
  }

  private async outcomeOf<T>(work: () => Promise<T>): Promise<T | string> {
    try {
      return await work();
    } catch (error) {
      this.warn('A command of the bot failed', error);
      return `It failed: ${messageOf(error)}`;
    }
  }

  private async say(context: Context, text: string): Promise<void> {
    await context.reply(shortened(text), { link_preview_options: { is_disabled: true } });
  }

  private help(): string {
    return [...this.commands.values()].map(({ name, about }) => `/${name} ${about}`).join('\n');
  }

  /** Errors of the library hold the address that was called, and with it the token: only their message is told. */
  private warn(what: string, error: unknown): void {
    this.logger.warn(`${what}: ${messageOf(error)}`);
  }

  private debug(what: string, error: unknown): void {
    this.logger.debug(`${what}: ${messageOf(error)}`);
  }
}

/** What became of a question for a yes. */
export type Approval = 'approved' | 'denied' | 'unanswered';

const buttonsFor = (id: string) =>
  new InlineKeyboard().text('Approve', `approve:${id}`).text('Deny', `deny:${id}`);

/** Asked anew after something was awaited. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

function messageOf(error: unknown): string {
  if (error instanceof GrammyError) return `${error.error_code} ${error.description}`;
  return error instanceof Error ? error.message : String(error);
}

function shortened(text: string): string {
  return text.length <= MOST_TEXT ? text || '(nothing)' : `${text.slice(0, MOST_TEXT).toWellFormed()}\n…`;
}
