/** Names that the router's ruleset and the updates of its set share. */

/** Family and name of the table. Only this program uses the table. */
export const NFT_TABLE = "inet btrt";

/** The set of listed torrents in it. */
export const NFT_SET = "hashes";

/**
 * The type of its elements: the first 16 bytes of an info-hash and its last 4, because one expression of nftables has at
 * most 128 bits. The type is given by their position in a TCP handshake: 28 bytes into the payload.
 */
export const NFT_SET_TYPE = "typeof @ih,224,128 . @ih,352,32";
