/**
 * A program with a hundred members of a private tracker, who download, seed and leave. Each has an address, a passkey
 * and a key. They do the same in every run. Argument: the tracker's URL, without its path.
 */
import { get } from "node:http";
import { MEMBER_TORRENTS } from "./member-torrents.ts";

const [origin] = process.argv.slice(2);
const MEMBERS = 100;

/** Announces. Resolves when there is an answer. */
function announce(member: number, torrent: number, fields: string): Promise<void> {
  const passkey = `member-${member}`;
  const query =
    `info_hash=${MEMBER_TORRENTS[torrent]}&peer_id=-ME0001-${String(member).padStart(12, "0")}&port=${7000 + torrent}` +
    `&key=${(member * 7919).toString(16)}&secret=${passkey}+&${fields}`;
  const options = { agent: false, localAddress: `100.64.0.${1 + member}`, timeout: 60_000 };
  return new Promise((resolve, reject) => {
    get(`${origin}/${passkey}/announce?${query}`, options, (response) => {
      response.resume().on("end", resolve).on("error", reject);
    }).on("error", reject);
  });
}

/** The course of one member: its growing sums, and all its announces. */
async function live(member: number): Promise<void> {
  const torrents = MEMBER_TORRENTS.map((_, torrent) => torrent).filter(
    (torrent) => (member + torrent) % 3 !== 0,
  );
  for (const torrent of torrents) {
    const size = 1000 * (member + 1) + torrent;
    const sums = (part: number) =>
      `uploaded=${Math.floor(size * part * 3)}&downloaded=${Math.floor(size * Math.min(1, part))}` +
      `&left=${Math.ceil(size * Math.max(0, 1 - part))}`;
    await announce(member, torrent, `${sums(0)}&event=started`);
    for (const part of [0.25, 0.5, 0.75]) await announce(member, torrent, sums(part));
    if (member % 5 !== 0) {
      await announce(member, torrent, `${sums(1)}&event=completed`);
      await announce(member, torrent, sums(2));
      await announce(member, torrent, `${sums(4)}&event=stopped`);
    } else await announce(member, torrent, `${sums(0.8)}&event=stopped`);
  }
}

await Promise.all(Array.from({ length: MEMBERS }, (_, member) => live(member)));
