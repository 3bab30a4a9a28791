/** Names that the router's rulesets and the updates of their sets share. */

/** Family and name of the table. Only this program uses the table. */
export const NFT_TABLE = "inet btrt";

/** Characters of a group's name in comments. */
const NAME_LENGTH = 60;

/** Family and name of the table of a router or of a bridge. */
export function tableName(bridge: boolean): string {
  return bridge ? NFT_TABLE.replace("inet", "bridge") : NFT_TABLE;
}

/** A name for a comment: JSON without characters that end or hide a line. */
export function quoteName(name: string): string {
  const shown = name.length > NAME_LENGTH ? `${name.slice(0, NAME_LENGTH)}…` : name;
  return JSON.stringify(shown).replaceAll(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
}

/** The set of listed torrents in it. */
export const NFT_SET = "hashes";

/**
 * The type of its elements: the first 16 bytes of an info-hash and its last 4, because one expression of nftables has at
 * most 128 bits. The type is given by their position in a TCP handshake: 28 bytes into the payload.
 */
export const NFT_SET_TYPE = "typeof @ih,224,128 . @ih,352,32";
