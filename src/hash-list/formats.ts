/** A hash list as bytes, in each of its formats; in pieces, so that a long one is not written in one go. */
import { writeWord } from "../model/address.ts";
import type { HashListFormat } from "../model/hash-list-format.ts";
import { entriesOf, HASH_WORDS, type HashList, ROW_WORDS } from "./hash-list.ts";
import { NFT_SET, NFT_TABLE } from "./nftables-names.ts";

/** Torrents in a piece: a millisecond's work. */
const PIECE = 512;

const HASH_BYTES = 20;

/**
 * Encodes a list.
 *
 *     text      40 lower-case hexadecimal digits per line
 *     csv       a head line; then a line for each torrent and group with peers in it
 *     json      { changed, entries, torrents: [{ infoHash, groups: [{ group, complete, incomplete }] }] }
 *     binary    20 bytes each
 *     nftables  an update for `nft -f`, all or nothing; elements leave `timeoutSeconds` after it, so that it must be
 *               loaded again and again: it says until when it is valid, and is never the same twice
 */
export function encodeHashList(
  list: HashList,
  format: HashListFormat,
  timeoutSeconds: number,
): Generator<Uint8Array> {
  switch (format) {
    case "text":
      return encodeText(list);
    case "csv":
      return encodeCsv(list);
    case "json":
      return encodeJson(list);
    case "binary":
      return encodeBinary(list);
    case "nftables":
      return encodeNftables(list, timeoutSeconds);
  }
}

function* encodeBinary(list: HashList): Generator<Uint8Array> {
  for (const [from, to] of piecesOf(list)) yield bytesOf(list, from, to);
}

function* encodeText(list: HashList): Generator<Uint8Array> {
  for (const [from, to] of piecesOf(list)) {
    const hex = bytesOf(list, from, to).toString("hex");
    yield Buffer.from(hex.replaceAll(/.{40}/g, "$&\n"));
  }
}

function* encodeCsv(list: HashList): Generator<Uint8Array> {
  yield Buffer.from("info_hash,group,complete,incomplete\n");
  for (const [from, to] of piecesOf(list)) {
    let text = "";
    for (let i = from; i < to; i++) {
      const infoHash = hexOf(list, i);
      for (const { group, complete, incomplete } of groupsOf(list, i))
        text += `${infoHash},${quoteCsv(group)},${complete},${incomplete}\n`;
    }
    yield Buffer.from(text);
  }
}

function* encodeJson(list: HashList): Generator<Uint8Array> {
  const head = { changed: new Date(list.changedAt).toISOString(), entries: entriesOf(list) };
  yield Buffer.from(`${JSON.stringify(head).slice(0, -1)},"torrents":[\n`);
  for (const [from, to] of piecesOf(list)) {
    let text = "";
    for (let i = from; i < to; i++) {
      text += i === 0 ? "" : ",\n";
      text += JSON.stringify({ infoHash: hexOf(list, i), groups: groupsOf(list, i) });
    }
    yield Buffer.from(text);
  }
  yield Buffer.from("\n]}\n");
}

function* encodeNftables(list: HashList, timeoutSeconds: number): Generator<Uint8Array> {
  yield Buffer.from(
    `# ${entriesOf(list)} torrents, valid until ${new Date(list.validUntil).toISOString()}\n` +
      `flush set ${NFT_TABLE} ${NFT_SET}\n`,
  );
  for (const [from, to] of piecesOf(list)) {
    let text = `add element ${NFT_TABLE} ${NFT_SET} {\n`;
    for (let i = from; i < to; i++) {
      const hex = hexOf(list, i);
      text += `0x${hex.slice(0, 32)} . 0x${hex.slice(32)} timeout ${timeoutSeconds}s,\n`;
    }
    yield Buffer.from(`${text}}\n`);
  }
}

/** Ranges of torrents. */
function* piecesOf(list: HashList): Generator<readonly [from: number, to: number]> {
  const count = entriesOf(list);
  for (let from = 0; from < count; from += PIECE) yield [from, Math.min(count, from + PIECE)];
}

function bytesOf({ hashes }: HashList, from: number, to: number): Buffer {
  const bytes = Buffer.allocUnsafe((to - from) * HASH_BYTES);
  for (let i = from * HASH_WORDS, at = 0; i < to * HASH_WORDS; i++, at += 4) writeWord(bytes, at, hashes[i]);
  return bytes;
}

function hexOf(list: HashList, i: number): string {
  return bytesOf(list, i, i + 1).toString("hex");
}

function groupsOf({ rows, rowsAt, groupNames }: HashList, i: number) {
  const groups = [];
  for (let at = rowsAt[i]; at < rowsAt[i + 1]; at += ROW_WORDS)
    groups.push({
      group: groupNames.get(rows[at]) ?? "",
      complete: rows[at + 1],
      incomplete: rows[at + 2],
    });
  return groups;
}

/** A field by RFC 4180. */
function quoteCsv(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
