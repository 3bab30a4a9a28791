/**
 * A process that opens connections, sends a request on each, and keeps them until its IPC channel is closed. Arguments:
 * port, number of connections, request.
 */
import { connect, type Socket } from "node:net";

/** Concurrent connection attempts: fewer than a listener's backlog. */
const AT_ONCE = 256;
/** Connections per source address: far fewer than it has ports. */
const PER_ADDRESS = 100;

const [port, size] = process.argv.slice(2, 4).map(Number);
const request = process.argv[4];
const sockets: Socket[] = [];

function connectNext(): void {
  if (sockets.length === size) return;
  const localAddress = `127.0.1.${1 + Math.floor(sockets.length / PER_ADDRESS)}`;
  const socket = connect({ host: "127.0.0.1", port, localAddress }, connectNext);
  socket.write(`${request}\n`);
  sockets.push(socket);
}

for (let i = 0; i < AT_ONCE; i++) connectNext();
// Reset: otherwise ten thousand ports would be in TIME_WAIT for the next minute.
process.on("disconnect", () => {
  for (const socket of sockets) socket.resetAndDestroy();
});
