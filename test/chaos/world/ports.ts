import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';

/** A port that nobody listens on at the moment. A program that is started anew keeps its own, so others find it again. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
