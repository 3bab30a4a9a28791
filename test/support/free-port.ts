/** Ports for programs that tests start and that must be told their port. */
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that Linux chooses by itself (net.ipv4.ip_local_port_range): it gives none of these to another socket. */
const PORTS = { first: 10_000, end: 32_768 } as const;

/**
 * A port of this machine that is free for TCP and UDP on all IPv4 addresses. It stays this process's: no other call of
 * this function returns it, in this process or in another one, until the process has ended.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.first, PORTS.end);
    if ((await claim(port)) && (await isFree(port))) return port;
  }
}

/**
 * Claims a port by a name among abstract sockets, which the kernel removes when the process ends in any way.
 * @returns false if another process, or this one, has claimed it already.
 */
async function claim(port: number): Promise<boolean> {
  const name = createServer().listen(`\0btrt-test-port-${port}`).unref();
  return await once(name, "listening").then(
    () => true,
    () => false,
  );
}

async function isFree(port: number): Promise<boolean> {
  const stream = createServer().listen({ host: "0.0.0.0", port });
  const datagrams = createSocket("udp4").bind(port);
  const opened = await Promise.allSettled([once(stream, "listening"), once(datagrams, "listening")]);
  const closed = [once(stream, "close"), once(datagrams, "close")];
  stream.close();
  datagrams.close();
  await Promise.all(closed);
  return opened.every(({ status }) => status === "fulfilled");
}
