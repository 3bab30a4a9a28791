/** Info-hashes as members of the private tracker write them, each in a way of its own. */
export const MEMBER_TORRENTS: readonly string[] = [
  "%aa".repeat(20),
  "%Bb".repeat(20),
  `${"c".repeat(17)}%00%fF+`,
];
