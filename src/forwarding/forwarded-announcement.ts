/** What an external tracker is sent for a client: its own query, byte for byte, but for what only we know. */
import type { OutgoingAnnounce, UdpFields } from "../client/outgoing-announce.ts";
import { writeWord } from "../model/address.ts";
import { formatAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { isSpecialPurpose } from "../network/special-purpose.ts";
import type { ForwardTask } from "../tasks/forward-task.ts";

const USER_AGENT = /^[\x20-\x7e]+$/;
const PEER_ID_BYTES = 20;
/** The most that is counted exactly. Who does not say what is left has not everything. */
const MOST_BYTES = 2 ** 53;

/**
 * Makes the announce for an external tracker. Added are the client's address, where it does not say it and it can be
 * reached from outside; and the number of peers is raised, as the answer serves others, too.
 * @param numWant peers to ask for at least.
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

/** Whether a client says in its query where it is. */
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
    // Clients write over HTTP in hexadecimal what is 32 bits over UDP.
    key: /^[0-9a-f]{1,8}$/i.test(key) ? Number.parseInt(key, 16) : 0,
    numWant: event === ANNOUNCE_EVENT.stopped ? 0 : numWant,
    port,
    ip: address.family === 4 && !isSpecialPurpose(address) ? address.words[0] : 0,
  };
}

/** Undoes %-escapes; the others, in the right place already, are bytes. */
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
