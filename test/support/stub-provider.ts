import type http from 'node:http';
import { reply, StubServer } from './stub-server.js';

/** A request to the stub, as a provider would see it. */
export interface AskedProvider {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

/** A provider of models in OpenAI's format: answers what it is told to, in turn, and keeps what it was asked. */
export class StubProvider extends StubServer {
  readonly asked: AskedProvider[] = [];
  private readonly answers: string[] = [];
  private fallback: string | undefined;
  private gate: Promise<void> = Promise.resolve();

  /** The next answers, one for each request. */
  answersWith(...answers: readonly string[]): void {
    this.answers.push(...answers);
  }

  /** The answer when there is no next one. Without it the stub answers 503. */
  alwaysAnswers(answer: string): void {
    this.fallback = answer;
  }

  /** Keeps all requests waiting; returns the way to let them go on. */
  hold(): () => void {
    let letGo: () => void = () => undefined;
    this.gate = new Promise((done) => (letGo = done));
    return letGo;
  }

  protected async serve(
    _request: http.IncomingMessage,
    response: http.ServerResponse,
    body: string,
  ): Promise<void> {
    this.asked.push(JSON.parse(body) as AskedProvider);
    await this.gate;
    const content = this.answers.shift() ?? this.fallback;
    if (content === undefined) reply(response, 503, { error: { message: 'overloaded' } });
    else reply(response, 200, { choices: [{ message: { role: 'assistant', content } }] });
  }
}
