// A keep-alive connection that costs the load generator little: undici's dispatch, one request at a time.
import { Client } from 'undici';

const HEADERS = ['content-type', 'application/json'];

export class Connection {
  #client;

  /** @param {string} url */
  constructor(url) {
    this.#client = new Client(url, { bodyTimeout: 0, headersTimeout: 0 });
  }

  /** @param {string} path @param {object} body */
  async post(path, body) {
    const { status, text } = await this.send('POST', path, JSON.stringify(body));
    if (status === 200) return JSON.parse(text);
    throw Object.assign(new Error(`POST ${path} → ${status}: ${text.slice(0, 500)}`), { status });
  }

  /** @param {string} path */
  async get(path) {
    const { status, text } = await this.send('GET', path, null);
    if (status === 200) return JSON.parse(text);
    throw Object.assign(new Error(`GET ${path} → ${status}: ${text.slice(0, 500)}`), { status });
  }

  /** @returns {Promise<{ status: number, text: string }>} */
  send(method, path, body) {
    return new Promise((done, fail) => {
      const chunks = [];
      let status = 0;
      this.#client.dispatch(
        { method, path, body, headers: HEADERS },
        {
          onConnect() {},
          onHeaders(code) {
            status = code;
            return true;
          },
          onData(chunk) {
            chunks.push(chunk);
            return true;
          },
          onComplete: () =>
            done({ status, text: (chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)).toString() }),
          onError: fail,
        },
      );
    });
  }

  /** Hands every chunk of an answer to `onText` until the connection is destroyed. Resolves with the status. */
  stream(path, onText) {
    return new Promise((done, fail) => {
      this.#client.dispatch(
        { method: 'GET', path, headers: ['accept', 'text/event-stream'] },
        {
          onConnect() {},
          onHeaders(code) {
            done(code);
            return true;
          },
          onData(chunk) {
            onText(chunk.toString());
            return true;
          },
          onComplete() {},
          onError: fail,
        },
      );
    });
  }

  async close() {
    await this.#client.destroy();
  }
}
