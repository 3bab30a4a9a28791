/**
 * Sends payloads through a router, one after the other, and checks whether they arrive. A program with two roles, each
 * for a network namespace:
 * - `payloads.ts listen PORT` answers every payload over TCP and UDP, on all addresses, until it is ended.
 * - `payloads.ts send PORT JSON` sends an array of {@link Payload} and prints one of {@link Fate}.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";

/** A payload, its sender and its destination. */
export interface Payload {
  readonly protocol: "tcp" | "udp";
  readonly from: string;
  readonly to: string;
  /** The port it is sent from; without one, any. */
  readonly fromPort?: number;
  /** Hexadecimal. */
  readonly bytes: string;
}

/** What happened to a payload: it was answered, its connection was reset or refused, or it did not arrive. */
export type Fate = "answered" | "reset" | "refused" | "lost";

const FATES: Readonly<Record<string, Fate>> = { ECONNRESET: "reset", ECONNREFUSED: "refused" };

const ANSWER = "here";
/** A datagram that no rule refuses. When it is answered, all datagrams sent before have arrived or are lost. */
const LAST = "last";

const [role, port, list] = process.argv.slice(2);
if (role === "listen") {
  await listen(Number(port));
} else {
  const fates: Fate[] = [];
  for (const payload of JSON.parse(list)) {
    fates.push(await (payload.protocol === "tcp" ? sendOverTcp : sendOverUdp)(payload, Number(port)));
  }
  console.log(JSON.stringify(fates));
}

async function listen(port: number): Promise<void> {
  const server = createServer((socket) => {
    socket.on("error", () => {}).on("data", () => socket.end(ANSWER));
  }).listen(port, "::");
  const sockets = (["udp4", "udp6"] as const).map((type) =>
    createSocket({ type, ipv6Only: type === "udp6" }),
  );
  for (const socket of sockets) {
    socket.on("message", (message, { port, address }) => {
      socket.send(String(message) === LAST ? LAST : ANSWER, port, address);
    });
    socket.bind(port);
  }
  await Promise.all([server, ...sockets].map((each) => once(each, "listening")));
  console.log("listening");
}

async function sendOverTcp({ from, fromPort, to, bytes }: Payload, port: number): Promise<Fate> {
  const socket = connect({ host: to, port, localAddress: from, localPort: fromPort, noDelay: true });
  socket.on("connect", () => socket.write(Buffer.from(bytes, "hex")));
  return await new Promise((resolve) => {
    socket.on("data", () => resolve("answered"));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(FATES[error.code ?? ""] ?? "lost"));
  });
}

async function sendOverUdp({ from, fromPort = 0, to, bytes }: Payload, port: number): Promise<Fate> {
  const socket = createSocket(to.includes(":") ? "udp6" : "udp4");
  await new Promise<void>((resolve) => socket.bind(fromPort, from, resolve));
  let fate: Fate = "lost";
  const over = new Promise<void>((resolve) => {
    socket.on("message", (message) => {
      if (String(message) === LAST) resolve();
      else fate = "answered";
    });
  });
  socket.send(Buffer.from(bytes, "hex"), port, to);
  socket.send(LAST, port, to);
  await over;
  socket.close();
  return fate;
}
