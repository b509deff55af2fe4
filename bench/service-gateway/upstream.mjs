// A service that costs next to nothing: answers every request with the same 1 KB. Prints its port.
import net from 'node:net';

const body = 'x'.repeat(1_024);
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\nx-served-by: upstream\r\n\r\n${body}`,
);
const END = Buffer.from('\r\n\r\n');

const server = net.createServer({ noDelay: true }, (socket) => {
  let rest = null;
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    const data = rest === null ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let at = data.indexOf(END); at >= 0; at = data.indexOf(END, from)) {
      from = at + END.length;
      socket.write(answer);
    }
    rest = from === data.length ? null : data.subarray(from);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
