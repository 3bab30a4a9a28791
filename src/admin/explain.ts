/** Explains the answer that an address would get now: which peers are returned, and why others are not. */

import { z } from "zod";
import type { Address } from "../model/address.ts";
import { formatAddress, parseAddress } from "../model/address-text.ts";
import { NUM_WANT_LIMIT } from "../model/announce.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { Random } from "../model/random.ts";
import { NO_GROUP, PeerGroups } from "../network/peer-groups.ts";
import { containsPrefix, FAMILY_BITS, formatPrefix, type Prefix } from "../network/prefix.ts";
import { steadySeconds } from "../platform/clock.ts";
import { makeSelectionPolicy } from "../selection/policies.ts";
import { AccessList, buildAccessList } from "../tracker/access-list.ts";
import { type ExplainedPeer, type ExplainedRun, Explainer } from "../tracker/explainer.ts";
import { Polls } from "../tracker/polls.ts";
import type { ShownPolicy, Sources } from "./sources.ts";

const infoHashText = z
  .string()
  .regex(/^[0-9a-f]{40}$/i, "must be 40 hexadecimal digits")
  .describe("The torrent: 40 hexadecimal digits.");

const addressText = z
  .string()
  .max(45, "must be an IP address")
  .refine((text) => isAddress(text), "must be an IP address")
  .describe("The address of the requester.");

/** The query of `/api/v1/explain`. */
export const explainQuerySchema = z.object({
  info_hash: infoHashText,
  address: addressText,
  numwant: z.coerce
    .number()
    .int()
    .min(0)
    .max(NUM_WANT_LIMIT)
    .optional()
    .describe("The number of wanted peers; tracker.numwant by default."),
});

const whose = {
  group: z.string().nullable().describe("Null: in no group, outside."),
  prefix: z.string().nullable().describe("The longest prefix of the group that holds the address."),
};

/** The answer of `/api/v1/explain`. */
export const explanationSchema = z.object({
  infoHash: z.string(),
  address: z.string(),
  ...whose,
  numWant: z.int(),
  known: z
    .boolean()
    .describe(
      "Whether a peer with this address is in the swarm. If so, the answer is for that peer, otherwise for a new leecher.",
    ),
  poll: z
    .boolean()
    .describe("Whether it is the address of another tracker. It is no peer, and gets no learned peers."),
  seeder: z.boolean(),
  bridge: z.boolean().describe("Whether it would be a bridge of its home in this swarm."),
  stalled: z.boolean(),
  policy: z.string(),
  peers: z
    .array(z.object({ address: z.string(), port: z.int(), tier: z.int(), ...whose }))
    .describe("The returned peers, nearest first. Each answer is a new random choice."),
  gate: z
    .object({
      home: z
        .string()
        .nullable()
        .describe("The groups of its home that the gate applies to; null: it is in none."),
      gated: z.boolean().describe("Whether the torrent is gated there."),
      why: z.string(),
      refused: z
        .boolean()
        .describe("Whether handshakes of this torrent between it and the outside are refused."),
      hostClosed: z
        .boolean()
        .describe(
          "Whether one of its endpoints is closed. Its connections to outside peers of gated torrents are then judged by their first data.",
        ),
      endpoints: z
        .array(
          z.object({
            port: z.int(),
            open: z.boolean().describe("Whether it may meet the outside in this torrent."),
            why: z.string(),
            closed: z
              .boolean()
              .describe(
                "Whether it is closed in some torrent. New connections from outside to it are then judged by their first data.",
              ),
          }),
        )
        .describe("Its peers in this torrent."),
    })
    .nullable()
    .describe("What the gate makes of it. Null: the gate is off."),
  runs: z
    .array(
      z.object({
        family: z.string(),
        tier: z.int(),
        group: whose.group,
        complete: z.boolean(),
        private: z.boolean(),
        bridge: z.boolean(),
        learned: z.boolean().describe("Learned from another tracker: they have not announced here."),
        peers: z.int().describe("Their number in the swarm, without the requester."),
        reason: z.string().describe("Why they are returned, or why not."),
      }),
    )
    .describe("All peers of the swarm, grouped by the properties that decide whether they are returned."),
});

/** See {@link explanationSchema}. */
export type AnswerExplanation = z.output<typeof explanationSchema>;

/** Explains answers of one tracker. */
export class AnswerExplainer {
  readonly #sources: Sources;
  readonly #explainer: Explainer;
  readonly #words = new Uint32Array(INFO_HASH_WORDS);

  constructor(sources: Sources) {
    this.#sources = sources;
    const seed = Array.from({ length: 4 }, () => Math.floor(Math.random() * 2 ** 32));
    this.#explainer = new Explainer(sources.view, new Random(seed));
  }

  /** @returns "busy" when the swarm is locked, undefined when there is no such swarm. */
  explain(query: z.output<typeof explainQuerySchema>): AnswerExplanation | "busy" | undefined {
    const policy = this.#sources.policy();
    const address = parseAddress(query.address);
    const { numWant, numWantMax } = policy.settings;
    const wanted = Math.min(query.numwant ?? numWant, numWantMax);
    for (let i = 0; i < INFO_HASH_WORDS; i++)
      this.#words[i] = Number.parseInt(query.info_hash.slice(8 * i, 8 * i + 8), 16);
    const trackerPolicy = {
      settings: policy.settings,
      selection: makeSelectionPolicy(policy.selection),
      copies: policy.copies,
      groups: new PeerGroups(policy.groups),
      accessList: NO_LIST,
      polls: new Polls(policy.polls),
      refreshSeconds: 0,
      refreshWaitMs: 0,
    };
    const now = steadySeconds();
    const found = this.#explainer.explain(this.#words, address, wanted, trackerPolicy, now);
    if (found === undefined || found === "busy") return found;
    const gate = this.#sources.gate.current?.watch.explain(this.#words, address, found.group, now) ?? null;
    if (gate === "busy") return gate;
    const names = new Names(policy);
    return {
      infoHash: query.info_hash.toLowerCase(),
      address: formatAddress(address),
      ...names.whose(address, found.group),
      numWant: wanted,
      known: found.known,
      poll: found.poll,
      seeder: found.seeder,
      bridge: found.bridge,
      stalled: found.stalled,
      policy: policy.selection.policy,
      peers: found.peers.map((peer) => describePeer(peer, names, trackerPolicy.groups)),
      gate,
      runs: found.runs
        .toSorted((a, b) => a.rank - b.rank)
        .map((run) => describeRun(run, names, found.peers.length >= wanted)),
    };
  }
}

const NO_LIST = new AccessList(buildAccessList("off", new Uint32Array(0)));

/** Names of groups, and their prefixes. */
class Names {
  readonly #policy: ShownPolicy;

  constructor(policy: ShownPolicy) {
    this.#policy = policy;
  }

  groupOf(id: number): string | null {
    return this.#policy.groups.groups.find((group) => group.id === id)?.name ?? null;
  }

  /** 1 is the nearest. */
  tierOf(id: number): number {
    return this.#policy.groups.tierOf[id] + 1;
  }

  whose(address: Address, id: number): { group: string | null; prefix: string | null } {
    const name = this.groupOf(id);
    const { family, words } = address;
    const own: Prefix = {
      family,
      words: [words[0], words[1], words[2], words[3]],
      length: FAMILY_BITS[family],
    };
    let longest: Prefix | undefined;
    for (const prefix of this.#policy.definitions.find((group) => group.name === name)?.prefixes ?? []) {
      if (prefix.length > (longest?.length ?? -1) && containsPrefix(prefix, own)) longest = prefix;
    }
    return { group: name, prefix: longest === undefined ? null : formatPrefix(longest) };
  }
}

function describePeer({ address, port }: ExplainedPeer, names: Names, groups: PeerGroups) {
  const id = groups.groupOf(address);
  return { address: formatAddress(address), port, tier: names.tierOf(id), ...names.whose(address, id) };
}

function describeRun(run: ExplainedRun, names: Names, full: boolean): AnswerExplanation["runs"][number] {
  const { family, group, whyNot, rank, ...rest } = run;
  const returned = full ? "returned as far as there is room, nearest first" : "returned";
  return {
    family: `ipv${family}`,
    tier: names.tierOf(group),
    group: group === NO_GROUP ? null : names.groupOf(group),
    complete: rest.complete,
    private: rest.private,
    bridge: rest.bridge,
    learned: rest.learned,
    peers: rest.peers,
    reason: whyNot === undefined ? returned : `not returned: ${whyNot}`,
  };
}

function isAddress(text: string): boolean {
  try {
    parseAddress(text);
    return true;
  } catch {
    return false;
  }
}
