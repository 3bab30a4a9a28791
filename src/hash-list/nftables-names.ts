/** What the router's ruleset and the list's updates of it name alike. */

/** Family and name of the table, which is all ours. */
export const NFT_TABLE = "inet btrt";

/** The set of listed torrents in it. */
export const NFT_SET = "hashes";

/**
 * The type of its elements: info-hashes, as the first 16 bytes and the last 4, since nftables loads no more at a time. It
 * is named by where they are in a TCP handshake: 28 bytes into the payload.
 */
export const NFT_SET_TYPE = "typeof @ih,224,128 . @ih,352,32";
