/**
 * A program that replaces a tracker and always returns the same peers. Arguments: address, port, the second number of
 * the peers' addresses (46.N.0.1 and so on), the number of peers, and the interval in seconds.
 */
import { createServer } from "node:http";
import { bencode } from "../support/bencode.ts";

const [host, port, block, count, interval] = process.argv.slice(2);
const peers = Array.from({ length: Number(count) }, (_, i) =>
  String.fromCharCode(46, Number(block), i >> 8, i & 255, 0x1a, 0xe1),
);

createServer((_, response) => {
  response.end(Buffer.from(bencode({ interval: Number(interval), peers: peers.join("") }), "latin1"));
}).listen(Number(port), host, () => console.log("listening"));
