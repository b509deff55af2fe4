/** What a gateway is called when nobody has named it: the same after a restart on the same machine and port. */
export function defaultGatewayId(machine: string, port: string): string {
  const name = machine.toLowerCase().replace(/[^a-z0-9.-]+/g, '-');
  return `openclaw-${name.slice(0, 150)}-${port}`;
}

/** Where others reach a gateway that listens on `url`: every address of a machine is called by the machine's name. */
export function defaultPublicUrl(url: string, machine: string): string {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname === '0.0.0.0' || hostname === '[::]' ? machine : hostname;
  return `${protocol}//${host === 'localhost' ? '127.0.0.1' : host}:${port}`;
}
