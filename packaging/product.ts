/** The description of the program in both kinds of packages. */

/** The maintainer of the packages. */
export const MAINTAINER = "The BTRT authors <btrt@packages.invalid>";

/** A summary line, and a paragraph. */
export const DESCRIPTION: readonly string[] = [
  "BitTorrent tracker for internet operators",
  "Subscribers' clients announce to it, and it answers with the peers that are",
  "cheapest for the network first: the operator's own, then its partners', then",
  "the rest of the world's. One process, one configuration file, HTTP and UDP,",
  "IPv4 and IPv6; what it knows survives a restart, in SQLite or MariaDB.",
];
