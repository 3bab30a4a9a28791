/** The announce to an upstream tracker on behalf of a client: the client's query byte for byte, and its address. */
import type { OutgoingAnnounce, UdpFields } from "../client/outgoing-announce.ts";
import { writeWord } from "../model/address.ts";
import { formatAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { isSpecialPurpose } from "../network/special-purpose.ts";
import type { ForwardTask } from "../tasks/forward-task.ts";

const USER_AGENT = /^[\x20-\x7e]+$/;
const PEER_ID_BYTES = 20;
/** The largest exact number of a double. Also the value of `left` when the client does not send it: it is incomplete. */
const MOST_BYTES = 2 ** 53;

/**
 * Makes the announce to an upstream tracker. A public address of the client is added unless the query has one. The number
 * of wanted peers is raised, since the answer serves other clients too.
 * @param numWant the minimum number of wanted peers.
 */
export function announcementFor(task: ForwardTask, numWant: number): OutgoingAnnounce {
  const { scheme, authority, path, userAgent } = task;
  const origin = `${scheme}://${authority}`;
  const agent = USER_AGENT.test(userAgent) ? { userAgent } : {};
  if (scheme === "udp") return { url: origin + path, udp: udpFields(task, numWant), ...agent };
  const [before, ...after] = path.split("?");
  const pairs = after.join("?").split("&");
  if (task.event !== ANNOUNCE_EVENT.stopped) raiseNumWant(pairs, numWant);
  if (!isSpecialPurpose(task.address) && !namesAddress(pairs))
    pairs.push(`ip=${encodeURIComponent(formatAddress(task.address))}`);
  return { url: `${origin}${before.startsWith("/") ? "" : "/"}${before}?${pairs.join("&")}`, ...agent };
}

/** Whether a query contains the client's address. */
export function namesAddress(pairs: readonly string[]): boolean {
  return pairs.some((pair) => /^ip(v[46])?=/.test(pair));
}

function raiseNumWant(pairs: string[], numWant: number): void {
  const at = pairs.findIndex((pair) => pair.startsWith("numwant="));
  if (at === -1) pairs.push(`numwant=${numWant}`);
  else if (!(Number(pairs[at].slice(8)) >= numWant)) pairs[at] = `numwant=${numWant}`;
}

function udpFields(task: ForwardTask, numWant: number): UdpFields {
  const { event, address, port, path } = task;
  const query = new Map(
    path
      .slice(path.indexOf("?") + 1)
      .split("&")
      .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
  const infoHash = new Uint8Array(PEER_ID_BYTES);
  for (const [i, word] of task.infoHash.entries()) writeWord(infoHash, 4 * i, word);
  const peerId = bytesOf(query.get("peer_id") ?? "");
  const key = query.get("key") ?? "";
  return {
    infoHash,
    peerId: peerId.length === PEER_ID_BYTES ? peerId : new Uint8Array(PEER_ID_BYTES),
    downloaded: sumOf(query.get("downloaded")),
    left: sumOf(query.get("left"), MOST_BYTES),
    uploaded: sumOf(query.get("uploaded")),
    event,
    // The key is hexadecimal over HTTP, and 32 bits over UDP.
    key: /^[0-9a-f]{1,8}$/i.test(key) ? Number.parseInt(key, 16) : 0,
    numWant: event === ANNOUNCE_EVENT.stopped ? 0 : numWant,
    port,
    ip: address.family === 4 && !isSpecialPurpose(address) ? address.words[0] : 0,
  };
}

/** Decodes %-escapes. Every other character is one byte. */
function bytesOf(text: string): Uint8Array {
  const characters = text.replaceAll(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Uint8Array.from(characters, (character) => character.charCodeAt(0));
}

/** A number of bytes, as far as a double counts exactly. */
function sumOf(text: string | undefined, otherwise = 0): number {
  return text !== undefined && /^\d{1,20}$/.test(text) ? Math.min(Number(text), MOST_BYTES) : otherwise;
}
