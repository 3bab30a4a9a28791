/** Info-hashes as members of the private tracker write them, each in another form. */
export const MEMBER_TORRENTS: readonly string[] = [
  "%aa".repeat(20),
  "%Bb".repeat(20),
  `${"c".repeat(17)}%00%fF+`,
];
