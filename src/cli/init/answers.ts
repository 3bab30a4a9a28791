/** The answers of an operator to `btrt init`. */
import { networkInterfaces } from "node:os";

/** Answers as typed: the configuration's checks validate them. */
export interface Answers {
  /** Prefixes of the operator's own networks; one element may be the path of a file with prefixes. */
  readonly local: readonly string[];
  /** Prefixes of partners' networks, likewise. */
  readonly partner: readonly string[];
  /** Partners' trackers: host names, or announce URLs. */
  readonly neighbor: readonly string[];
  /** Names under which subscribers reach this tracker. */
  readonly name: readonly string[];
  /** This machine's addresses, to which these names shall resolve. */
  readonly address: readonly string[];
  /** The port for HTTP announces. */
  readonly port: string;
  readonly database: string;
  /** User of a database server. */
  readonly databaseUser: string;
  /** A file with its password; empty if the password is in the environment. */
  readonly passwordFile: string;
  /** The nodes of a cluster, `NAME=ADDRESS` or `NAME=ADDRESS@SITE`. */
  readonly cluster: readonly string[];
  /** The directory for the files of a cluster; empty for a single tracker. */
  readonly directory: string;
}

/** The defaults. @param database URL of the database. */
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
    cluster: [],
    directory: "",
  };
}

/** This machine's first address of each family that other machines can reach. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const reachable = all.filter(({ internal, address }) => !internal && !/^fe80:/i.test(address));
  return ["IPv4", "IPv6"].flatMap((wanted) => {
    const first = reachable.find(({ family }) => family === wanted);
    return first === undefined ? [] : [first.address];
  });
}
