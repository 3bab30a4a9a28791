/**
 * A program with clients that wait: each sends a forwarded announce for its own torrent.
 * Arguments: the tracker's port, the number of clients, and the port at which the upstream trackers, 198.51.100.1 to
 * .250, hang. It reports over its channel when all have announced, and on request how many have been answered. It ends
 * with its channel.
 */
import { connect, type Socket } from "node:net";

/** Concurrent connection attempts: fewer than a listener's backlog. */
const AT_ONCE = 256;
/** Connections from one source address: far fewer than it has ports. */
const PER_ADDRESS = 100;
const TRACKERS = 250;

const [port, size, upstreamPort] = process.argv.slice(2).map(Number);
const sockets: Socket[] = [];
let asked = 0;
let answered = 0;

function requestOf(client: number): string {
  const hash = client.toString(16).padStart(40, "0").replaceAll(/../g, "%$&");
  return (
    `GET /ann?info_hash=${hash}&port=7000&left=1000&event=started HTTP/1.1\r\n` +
    `Host: 198.51.100.${1 + (client % TRACKERS)}:${upstreamPort}\r\n` +
    `X-Forwarded-For: 100.64.${client >> 8}.${client & 0xff}\r\n\r\n`
  );
}

function connectNext(): void {
  const client = sockets.length;
  if (client === size) return;
  const localAddress = `127.0.1.${1 + Math.floor(client / PER_ADDRESS)}`;
  const socket = connect({ host: "127.0.0.1", port, localAddress }, () => {
    socket.write(requestOf(client), () => {
      if (++asked === size) process.send?.("asked");
    });
    connectNext();
  });
  socket.on("data", () => answered++);
  sockets.push(socket);
}

for (let i = 0; i < AT_ONCE; i++) connectNext();
process.on("message", () => process.send?.(answered));
// Reset, so that ten thousand ports are not in TIME_WAIT for the next minute.
process.on("disconnect", () => {
  for (const socket of sockets) socket.resetAndDestroy();
});
