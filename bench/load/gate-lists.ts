/** The lists of a gate with many subscribers. */
import { createHash } from "node:crypto";
import type { GateElements } from "../../src/gate/protocol.ts";

/** Yields lists in pieces: many subscribers, each closed at one port and in two torrents of 20 members. */
export function* gateLists(elements: number, each: number): Generator<GateElements> {
  const perSubscriber = 4;
  for (let from = 0; from < elements / perSubscriber; from += each / perSubscriber) {
    const to = Math.min(from + each / perSubscriber, elements / perSubscriber);
    const subscribers = Array.from({ length: to - from }, (_, i) => from + i);
    const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 0xff}.${i & 0xff}`;
    const torrent = (i: number) => createHash("sha1").update(String(i)).digest("hex");
    yield {
      refused: subscribers.flatMap((i) =>
        [0, 1].map((half) => `${address(i)} ${torrent(2 * Math.floor(i / 20) + half)}`),
      ),
      closed: subscribers.map((i) => `${address(i)} ${1024 + (i % 60_000)}`),
      hosts: subscribers.map(address),
    };
  }
}
