/**
 * The clients of an artificial operator: few large torrents and many small ones (Zipf's law); subscribers, a partner's
 * subscribers and others, who arrive, download, complete and leave. It knows the figures that the tracker must show.
 */
import { Random } from "../../src/model/random.ts";
import { type Announce, announce, scrape } from "./announce.ts";

/** The configuration for this load: every address in an announce is trusted. */
export const OPERATOR_CONFIG = `listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }
tracker: { ip_parameter: ["127.0.0.0/8"] }
peer_groups:
  - { name: subscribers, priority: 0, cidr_list: ["11.0.0.0/8"] }
  - { name: partners, priority: 1, cidr_list: ["12.0.0.0/8"] }
`;

/** Subscribers, partners, outside: the first byte of their addresses, and their share in tenths. */
const TIERS = [
  { net: 11, share: 5 },
  { net: 12, share: 2 },
  { net: 13, share: 3 },
] as const;

const SWARMS = 80;
const SIZE = 50 * 2 ** 20;
const NUM_WANT = 20;
/** Clients that announce at the same time. */
const AT_ONCE = 8;

interface Client {
  readonly swarm: number;
  readonly tier: number;
  readonly ip: string;
  readonly port: number;
  downloaded: number;
  uploaded: number;
}

/** A load, and its expected figures. */
export class OperatorLoad {
  announces = 0;
  scrapes = 0;
  refused = 0;
  /** Peers in answers, by tier. */
  readonly returned = [0, 0, 0];
  /** Bytes that members of peer groups have reported since they started. */
  reported = 0;
  readonly #url: string;
  readonly #random = new Random([1, 2, 3, 4]);
  readonly #infoHashes: readonly Buffer[];
  readonly #clients = new Set<Client>();
  #born = 0;

  /** @param url to announce to. */
  constructor(url: string) {
    this.#url = url;
    this.#infoHashes = Array.from({ length: SWARMS }, () =>
      Buffer.from(Array.from({ length: 20 }, () => this.#random.below(256))),
    );
  }

  /** Present peers by tier. */
  get peers(): number[] {
    return TIERS.map((_, tier) => this.#count((client) => client.tier === tier));
  }

  get complete(): number {
    return this.#count(({ downloaded }) => downloaded === SIZE);
  }

  get swarms(): number {
    return new Set([...this.#clients].map(({ swarm }) => swarm)).size;
  }

  /** The info-hash and the peers of the largest swarm. */
  get largest(): { readonly infoHash: string; readonly peers: number } {
    const sizes = this.#infoHashes.map((_, swarm) => this.#count((client) => client.swarm === swarm));
    const peers = Math.max(...sizes);
    return { infoHash: this.#infoHashes[sizes.indexOf(peers)].toString("hex"), peers };
  }

  /** Lets clients arrive, continue, complete and leave, a few at a time. */
  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const there = [...this.#clients];
      const busy = new Set<Client>();
      for (let i = 0; i < AT_ONCE; i++)
        busy.add(there.length < 200 || i % 4 === 0 ? this.#join() : there[this.#random.below(there.length)]);
      await Promise.all([...busy].map((client) => this.#goOn(client)));
      if (step % 10 === 0) await this.#other();
    }
  }

  #count(which: (client: Client) => boolean): number {
    let count = 0;
    for (const client of this.#clients) if (which(client)) count++;
    return count;
  }

  #join(): Client {
    // Its logarithm is uniform: the probability of a torrent falls with its rank.
    const swarm = Math.floor(SWARMS ** this.#random.fraction()) - 1;
    const draw = this.#random.below(10);
    const tier = draw < TIERS[0].share ? 0 : draw < TIERS[0].share + TIERS[1].share ? 1 : 2;
    const number = ++this.#born;
    const ip = `${TIERS[tier].net}.0.${number >> 8}.${number & 255}`;
    return { swarm, tier, ip, port: 10_000 + (number % 50_000), downloaded: 0, uploaded: 0 };
  }

  async #goOn(client: Client): Promise<void> {
    if (!this.#clients.has(client)) {
      this.#clients.add(client);
      return this.#announce(client, "started");
    }
    if (this.#random.below(12) === 0) {
      this.#clients.delete(client);
      return this.#announce(client, "stopped");
    }
    const more = Math.min(SIZE - client.downloaded, this.#random.below(2 ** 15) * 1024);
    const sent = this.#random.below(2 ** 14) * 1024;
    client.downloaded += more;
    client.uploaded += sent;
    if (client.tier < 2) this.reported += more + sent;
    return this.#announce(client, more > 0 && client.downloaded === SIZE ? "completed" : undefined);
  }

  async #announce(client: Client, event?: Announce["event"]): Promise<void> {
    const { swarm, ip, port, downloaded, uploaded } = client;
    const { peers } = await announce(this.#url, {
      infoHash: this.#infoHashes[swarm],
      // Each client has its own port: of hundreds that share one, some would look like one client.
      port,
      ip,
      left: SIZE - downloaded,
      downloaded,
      uploaded,
      numWant: NUM_WANT,
      ...(event === undefined ? {} : { event }),
    });
    this.announces++;
    for (const peer of peers) this.returned[TIERS.findIndex(({ net }) => peer.startsWith(`${net}.`))]++;
  }

  /** A scrape, and an invalid request. */
  async #other(): Promise<void> {
    await scrape(this.#url, this.#infoHashes[0]);
    this.scrapes++;
    await announce(this.#url, { infoHash: this.#infoHashes[0], port: 0 }).catch(() => this.refused++);
  }
}
