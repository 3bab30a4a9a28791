/** The names of the gate's sets on a router, and its elements in the language of nft(8). */
import type { Family } from "../../model/address.ts";
import type { GateElements, GateList } from "../protocol.ts";
import type { GateCounts } from "../report.ts";
import { LOADING_ORDER } from "./list-mirror.ts";

/**
 * Everything of the gate in the table has this prefix. The table is shared with the rules of the hash list
 * (hash-list/nftables-ruleset.ts).
 */
export const GATE_PREFIX = "gate_";

/** The set that has the two network protocols while the tracker is alive. No rule refuses anything without it. */
export const ALIVE_SET = `${GATE_PREFIX}alive`;

/** Elements of one transaction, at most. nft needs about a kilobyte of memory for each. */
export const ELEMENTS_PER_TRANSACTION = 20_000;

/** The name of the set of a list and family. */
function setOf(list: GateList, family: Family): string {
  return `${GATE_PREFIX}${list}${family}`;
}

/** The name of a counter in the table. */
export function counterName(counter: keyof GateCounts): string {
  return GATE_PREFIX + counter.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The types of the sets. An info-hash is cut in two, because an expression has at most 128 bits. */
export const SET_TYPES: readonly (readonly [set: string, type: string])[] = ([4, 6] as const).flatMap(
  (family) => {
    const address = family === 4 ? "ipv4_addr" : "ipv6_addr";
    const saddr = family === 4 ? "ip saddr" : "ip6 saddr";
    return [
      [setOf("refused", family), `typeof ${saddr} . @ih,224,128 . @ih,352,32`],
      [setOf("closed", family), `type ${address} . inet_service`],
      [setOf("hosts", family), `type ${address}`],
      [setOf("far", family), `type ${address} . inet_service`],
    ] as const;
  },
);

/** Says that the tracker is alive. Adding an element again does not renew it, so it is deleted between. */
export function renewal(table: string, seconds: number): string {
  const add = `add element ${table} ${ALIVE_SET} { ip timeout ${seconds}s, ip6 timeout ${seconds}s }\n`;
  return `${add}delete element ${table} ${ALIVE_SET} { ip, ip6 }\n${add}`;
}

/** Seconds in which connections of an endpoint are cut. Between those that last, keep-alives are sent every two minutes. */
export const CUT_SECONDS = 150;

/** Endpoints that the sets of those that are cut can have, of each family. nft fails when they are full. */
export const CUT_SIZE = 262_144;

/** The name of the set of endpoints whose connections are cut, and of the set of their addresses. */
export function cutSetOf(family: Family): string {
  return `${GATE_PREFIX}cut${family}`;
}

/** See {@link cutSetOf}. */
export function cutHostsOf(family: Family): string {
  return `${GATE_PREFIX}cut_hosts${family}`;
}

/** Statements that cut the connections of endpoints. */
export function cutting(table: string, endpoints: readonly string[]): string {
  const statements = (list: GateList, elements: readonly string[], setOf: (family: Family) => string) =>
    bySet(list, elements).map(([family, texts]) => `add element ${table} ${setOf(family)} {\n${texts}}\n`);
  const hosts = [...new Set(endpoints.map((endpoint) => endpoint.split(" ")[0]))];
  return [...statements("closed", endpoints, cutSetOf), ...statements("hosts", hosts, cutHostsOf)].join("");
}

/** Lets everything through at once. */
export function opening(table: string): string {
  return `flush set ${table} ${ALIVE_SET}\n`;
}

/** Statements that remove elements and add others. */
export function elementUpdate(table: string, add: GateElements, remove: GateElements): string {
  const statements = (verb: string, elements: GateElements, order: readonly GateList[]) =>
    order.flatMap((list) =>
      bySet(list, elements[list] ?? []).map(
        ([family, texts]) => `${verb} element ${table} ${setOf(list, family)} {\n${texts}}\n`,
      ),
    );
  return [
    ...statements("delete", remove, [...LOADING_ORDER].reverse()),
    ...statements("add", add, LOADING_ORDER),
  ].join("");
}

function bySet(list: GateList, elements: readonly string[]): [family: Family, texts: string][] {
  const texts = { 4: "", 6: "" };
  for (const element of elements) texts[element.includes(":") ? 6 : 4] += `${toNft(list, element)},\n`;
  return ([4, 6] as const).filter((family) => texts[family] !== "").map((family) => [family, texts[family]]);
}

function toNft(list: GateList, element: string): string {
  if (list === "hosts") return element;
  const [address, rest] = element.split(" ");
  if (list !== "refused") return `${address} . ${rest}`;
  return `${address} . 0x${rest.slice(0, 32)} . 0x${rest.slice(32)}`;
}
