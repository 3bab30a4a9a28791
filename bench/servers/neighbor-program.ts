/**
 * A neighbor that answers every announce with a few peers, over HTTP with kept connections. It is a program that prints
 * the port it listens on. `GET /count` returns the number of announces so far.
 */
import { randomFillSync } from "node:crypto";
import { createServer } from "node:http";

/** Peers in an answer. */
const PEERS = 4;
const PEER_BYTES = 6;

let announces = 0;
const server = createServer((request, response) => {
  if (request.url === "/count") {
    response.end(String(announces));
    return;
  }
  announces++;
  const peers = randomFillSync(Buffer.alloc(PEERS * PEER_BYTES));
  // Public addresses, and any ports except 0.
  for (let at = 0; at < peers.length; at += PEER_BYTES) {
    peers[at] = 45;
    peers[at + 4] |= 0x80;
  }
  const head = `d8:completei1e10:incompletei${PEERS}e8:intervali1800e5:peers${peers.length}:`;
  response.end(Buffer.concat([Buffer.from(head), peers, Buffer.from("e")]));
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address !== "string") console.log(`port ${address.port}`);
});
