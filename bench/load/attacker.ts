/**
 * A program whose clients, all from one address, take all resources that they can get. Arguments: the kind of attack,
 * and the tracker's port. It reports over its channel when the attack is in full effect, and ends with the channel.
 * - idle: connections without requests, opened again when they are closed;
 * - unread: endless announces whose answers are not read;
 * - pipelined: megabytes of announces at once, repeatedly.
 */
import { connect, type Socket } from "node:net";

const FROM = "127.0.9.9";

/** Connections of each kind of attack. */
const IDLE = 5000;
const UNREAD = 400;
const PIPELINED = 4;

/**
 * Concurrent connection attempts, fewer than a listener's backlog; and connections that are opened again in each tick.
 */
const AT_ONCE = 256;
const TICK_MS = 100;

const ANNOUNCE = `GET /announce?info_hash=${"a".repeat(20)}&port=6881&left=1&numwant=50 HTTP/1.1\r\nHost: a\r\n\r\n`;
/** 11 MB are written at once. */
const WRITTEN_BYTES = 11_000_000;
/** More requests than the buffers of both ends hold. */
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

/** Opens connections until `count` have been tried, and reports that. */
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
    // A refused connection has been tried, too.
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

// Reset, so that thousands of ports are not in TIME_WAIT for the next minute.
process.on("disconnect", () => {
  for (const socket of sockets) socket.resetAndDestroy();
  process.exit();
});
