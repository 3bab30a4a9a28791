/**
 * A process of its own: opens connections, makes a request on each, and holds them until its channel is closed.
 * Arguments: port, how many, the request.
 */
import { connect, type Socket } from "node:net";

/** Connections under way at once: fewer than a listener's backlog. */
const AT_ONCE = 256;
/** Connections from one source address: far fewer than it has ports. */
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
// Reset, so that ten thousand ports are not kept from other tests (TIME_WAIT) for the next minute.
process.on("disconnect", () => {
  for (const socket of sockets) socket.resetAndDestroy();
});
