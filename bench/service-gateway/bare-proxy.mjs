// What Node.js and undici cost without any rule: no routing, no health, no retries, hardly any header work.
// node bare-proxy.mjs UPSTREAM_URL. Prints its port.
import http from 'node:http';
import { Pool } from 'undici';

const pool = new Pool(process.argv[2]);
const DROPPED = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding']);

class Handler {
  constructor(response) {
    this.response = response;
  }
  onRequestStart() {}
  onResponseStart(controller, status, _headers, statusText) {
    const headers = [];
    const raw = controller.rawHeaders;
    for (let index = 0; index < raw.length; index += 2) {
      const name = raw[index].toString('latin1');
      if (!DROPPED.has(name.toLowerCase())) headers.push(name, raw[index + 1].toString('latin1'));
    }
    this.response.writeHead(status, statusText, headers);
  }
  onResponseData(controller, chunk) {
    if (this.response.write(chunk)) return;
    controller.pause();
    this.response.once('drain', () => controller.resume());
  }
  onResponseEnd() {
    this.response.end();
  }
  onResponseError() {
    this.response.destroy();
  }
}

const server = http.createServer((request, response) => {
  const headers = [];
  const raw = request.rawHeaders;
  for (let index = 0; index < raw.length; index += 2) {
    if (!DROPPED.has(raw[index].toLowerCase())) headers.push(raw[index], raw[index + 1]);
  }
  const body = request.method === 'GET' ? null : request;
  pool.dispatch({ path: request.url, method: request.method, headers, body }, new Handler(response));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
