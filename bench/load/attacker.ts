/**
 * A process of its own: clients from one address that take what they can get. Arguments: how, and the tracker's port. Says
 * over its channel when it has begun in earnest, and ends with it.
 * - idle: connections that are asked for nothing but to be kept, opened again as they are closed;
 * - unread: announces without end, whose answers are not read;
 * - pipelined: megabytes of announces at once, again and again.
 */
import { connect, type Socket } from "node:net";

const FROM = "127.0.9.9";

/** Connections of each kind. */
const IDLE = 5000;
const UNREAD = 400;
const PIPELINED = 4;

/** Connections under way at once: fewer than a listener's backlog. And opened again in each tick. */
const AT_ONCE = 256;
const TICK_MS = 100;

const ANNOUNCE = `GET /announce?info_hash=${"a".repeat(20)}&port=6881&left=1&numwant=50 HTTP/1.1\r\nHost: a\r\n\r\n`;
/** 11 MB are written at once. */
const WRITTEN_BYTES = 11_000_000;
/** More than the buffers of both ends hold of requests. */
const UNREAD_BYTES = 1_000_000;

const [kind, port] = process.argv.slice(2);
const sockets = new Set<Socket>();

function open(onConnect: (socket: Socket) => void): Socket {
  const socket = connect({ host: "127.0.0.1", port: Number(port), localAddress: FROM });
  sockets.add(socket);
  socket.on("error", () => {});
  socket.on("close", () => sockets.delete(socket));
  return socket.once("connect", () => onConnect(socket));
}

/** Connects until so many have been, and says so. */
function gather(size: number, begin: (socket: Socket) => void): void {
  let opened = 0;
  let begun = 0;
  const next = () => {
    if (opened === size) return;
    opened++;
    const isOpen = () => {
      if (++begun === size) process.send?.("begun");
      next();
    };
    // One that is refused has been tried.
    open(begin).once("connect", isOpen).once("error", isOpen);
  };
  for (let i = 0; i < AT_ONCE; i++) next();
}

function attackIdle(): void {
  const ask = (socket: Socket) => {
    socket.write(ANNOUNCE);
    socket.resume();
  };
  gather(IDLE, ask);
  setInterval(() => {
    for (let i = sockets.size; i < Math.min(IDLE, sockets.size + AT_ONCE / 2); i++) open(ask);
  }, TICK_MS);
}

function attackUnread(): void {
  const requests = ANNOUNCE.repeat(Math.ceil(UNREAD_BYTES / ANNOUNCE.length));
  gather(UNREAD, (socket) => {
    socket.pause();
    socket.write(requests);
  });
}

function attackPipelined(): void {
  const requests = Buffer.from(ANNOUNCE.repeat(Math.ceil(WRITTEN_BYTES / ANNOUNCE.length)));
  gather(PIPELINED, (socket) => {
    socket.resume();
    const write = () => socket.write(requests, (error) => (error ? undefined : write()));
    write();
  });
}

if (kind === "idle") attackIdle();
else if (kind === "unread") attackUnread();
else attackPipelined();

// Reset, so that thousands of ports are not kept for the next minute (TIME_WAIT).
process.on("disconnect", () => {
  for (const socket of sockets) socket.resetAndDestroy();
  process.exit();
});
