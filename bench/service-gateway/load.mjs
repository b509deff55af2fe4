// The callers: node load.mjs PORT PATH CONNECTIONS SECONDS [RATE]. Without a rate every connection asks again as soon as it
// has its answer; with one, requests are sent when they are due, and their time counts from then. Prints JSON.
import net from 'node:net';

const [port, path, connections, seconds, rate] = process.argv
  .slice(2)
  .map((text, index) => (index === 1 ? text : Number(text)));
const request = Buffer.from(
  `GET ${path} HTTP/1.1\r\nhost: gateway.example\r\nuser-agent: bench\r\naccept: */*\r\naccept-encoding: gzip\r\nx-request-id: 0123456789\r\n\r\n`,
);
const HEAD_END = Buffer.from('\r\n\r\n');

const times = [];
let failures = 0;
let measuring = false;
let stopped = false;
const idle = [];
const due = [];

class Caller {
  constructor() {
    this.sentAt = 0;
    this.wanted = -1;
    this.got = 0;
    this.head = null;
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (chunk) => this.take(chunk));
    this.socket.on('error', () => failures++);
  }

  send(since) {
    this.sentAt = since;
    this.socket.write(request);
  }

  take(chunk) {
    if (this.wanted < 0) {
      const data = this.head === null ? chunk : Buffer.concat([this.head, chunk]);
      const end = data.indexOf(HEAD_END);
      if (end < 0) {
        this.head = data;
        return;
      }
      const text = data.latin1Slice(0, end);
      if (!text.startsWith('HTTP/1.1 200')) failures++;
      const length = /content-length: (\d+)/i.exec(text);
      this.wanted = length === null ? chunkedLength(text) : end + 4 + Number(length[1]);
      this.got = data.length;
      this.head = null;
    } else this.got += chunk.length;
    if (this.got < this.wanted) return;
    this.wanted = -1;
    if (measuring) times.push(performance.now() - this.sentAt);
    if (stopped) return;
    if (!rate) this.send(performance.now());
    else if (due.length > 0) this.send(due.shift());
    else idle.push(this);
  }
}

function chunkedLength(head) {
  throw new Error(`The answer has no length: ${head}`);
}

const callers = Array.from({ length: connections }, () => new Caller());
await Promise.all(callers.map(({ socket }) => new Promise((done) => socket.once('connect', done))));
if (rate) {
  idle.push(...callers);
  const began = performance.now();
  let sent = 0;
  const tick = () => {
    if (stopped) return;
    const now = performance.now();
    for (const count = Math.floor(((now - began) / 1_000) * rate); sent < count; sent++) {
      const at = began + (sent * 1_000) / rate;
      const caller = idle.shift();
      if (caller === undefined) due.push(at);
      else caller.send(at);
    }
    setImmediate(tick);
  };
  tick();
} else for (const caller of callers) caller.send(performance.now());

// The first moments belong to connections that are made and code that is still compiled.
await new Promise((done) => setTimeout(done, Math.min(1_000, seconds * 250)));
measuring = true;
const began = performance.now();
await new Promise((done) => setTimeout(done, seconds * 1_000));
measuring = false;
const elapsedS = (performance.now() - began) / 1_000;
stopped = true;
times.sort((a, b) => a - b);
const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
console.log(JSON.stringify({ rate: times.length / elapsedS, p50_ms: at(0.5), p99_ms: at(0.99), failures }));
process.exit(0);
