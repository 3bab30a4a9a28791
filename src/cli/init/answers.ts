/** What an operator tells `btrt init`. */
import { networkInterfaces } from "node:os";

/** As typed: the configuration's own checks judge what comes of it. */
export interface Answers {
  /** Prefixes of the operator's own networks; one element may be the path of a file that lists them. */
  readonly local: readonly string[];
  /** The same of partners' networks. */
  readonly partner: readonly string[];
  /** Partners' trackers: host names, or announce URLs. */
  readonly neighbor: readonly string[];
  /** Names by which subscribers reach this tracker. */
  readonly name: readonly string[];
  /** This machine's addresses, which these names are to mean. */
  readonly address: readonly string[];
  /** Where HTTP announces arrive. */
  readonly port: string;
  readonly database: string;
  /** Of a database server. */
  readonly databaseUser: string;
  /** A file that holds its password; empty: it is in the environment. */
  readonly passwordFile: string;
}

/** What holds unless an operator says otherwise. @param database where swarms are kept. */
export function defaultAnswers(database: string): Answers {
  return {
    local: [],
    partner: [],
    neighbor: [],
    name: ["retracker.local"],
    address: ownAddresses(),
    port: "80",
    database,
    databaseUser: "btrt",
    passwordFile: "",
  };
}

/** This machine's first address of each family that others can reach. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const reachable = all.filter(({ internal, address }) => !internal && !/^fe80:/i.test(address));
  return ["IPv4", "IPv6"].flatMap((wanted) => {
    const first = reachable.find(({ family }) => family === wanted);
    return first === undefined ? [] : [first.address];
  });
}
