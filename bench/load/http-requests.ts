/** Announces over HTTP. */
import type { Encode } from "./announces.ts";
import { addressOf, infoHash, type Population, portOf } from "./population.ts";

/** The text of each byte in a query. Clients escape everything but letters and digits. */
const ESCAPED = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return /[0-9A-Za-z]/.test(character) ? character : `%${byte.toString(16).padStart(2, "0")}`;
});

/** @returns a swarm's info-hash as text of a query. */
export function escapedInfoHash(population: Population, swarm: number): string {
  let text = "";
  for (const byte of infoHash(population, swarm)) text += ESCAPED[byte];
  return text;
}

/**
 * @param close whether each request asks the server to close the connection.
 * @param plain whether it offers no compression.
 */
export function encodeHttp(population: Population, close: boolean, plain = false): Encode {
  const compression = plain ? "" : "Accept-Encoding: deflate, gzip, br\r\n";
  return ({ swarm, peer, left, numWant, event }, bytes, at) => {
    const hash = escapedInfoHash(population, swarm);
    const id = peer.toString(36).padStart(12, "0");
    const port = portOf(population, peer);
    const ip = population.distinctBy !== "source" ? `&ip=${addressOf(peer).join(".")}` : "";
    const text =
      `GET /announce?info_hash=${hash}&peer_id=-TR4060-${id}&port=${port}&uploaded=0&downloaded=0&left=${left}` +
      `&numwant=${numWant}${event === "none" ? "" : `&event=${event}`}&key=4a5b6c7d&compact=1&supportcrypto=1${ip} ` +
      "HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Transmission/4.0.6\r\nAccept: */*\r\n" +
      `${compression}${close ? "Connection: close\r\n" : ""}\r\n`;
    return at + bytes.write(text, at, "latin1");
  };
}
