/**
 * Word A of a peer's record (peer.ts):
 *
 *     port:16  identity:1  foreign:1  duplicate:1  learned:1  mark:1  private:1  complete:1  group:9
 *
 * The low 14 bits are the peer's *key*. Peers of a swarm with equal keys lie side by side, so that an answer is made of
 * runs of peers.
 *
 * - *Learned*: another tracker named the peer. All others have announced themselves and are *announced*.
 * - *Duplicate*: another address of a client that has a counted record in this swarm (client-pairs.ts). It is returned to
 *   clients, and counts nowhere.
 * - *Foreign*: its last announce was to another node of the cluster (cluster/applier.ts), or is from the database.
 * - The mark has a meaning for each kind of peer. *Marked*, of an incomplete announced peer: the selection policy set the
 *   mark and knows its meaning. *Proven*, of a complete peer: its copy is believed to exist. *Unconfirmed*, of an
 *   incomplete learned peer: few clients use the tracker that named it.
 *
 * A key that is passed to a function of this file may be a whole word A.
 */
import { GROUP_IDS } from "../../network/peer-groups.ts";
import { checkFits, defineWord } from "./word.ts";

const A = defineWord("word A", {
  port: 16,
  identity: 1,
  foreign: 1,
  duplicate: 1,
  learned: 1,
  mark: 1,
  private: 1,
  complete: 1,
  group: 9,
});
checkFits(A.group, GROUP_IDS - 1);
checkFits(A.port, 0xffff);

/** Bits of an identity (peer.ts): the highest one is in word A. */
export const IDENTITY_BITS = 10;

// V8 folds constants of a module that are not exported, and inlines functions as short as these.
const PORT_SHIFT = A.port.shift;
const IDENTITY = A.identity.mask;
const IDENTITY_SHIFT = A.identity.shift;
const HIGHEST_BIT = IDENTITY_BITS - 1;
const FOREIGN = A.foreign.mask;
const DUPLICATE = A.duplicate.mask;
const LEARNED = A.learned.mask;
const MARK = A.mark.mask;
const PRIVATE = A.private.mask;
const COMPLETE = A.complete.mask;
const GROUP = A.group.mask;
const KEY = DUPLICATE | LEARNED | MARK | PRIVATE | COMPLETE | GROUP;

/** Number of different keys. */
export const KEYS = KEY + 1;

/** Word A of a peer without an identity. */
export function packPort(port: number, key: number): number {
  return (port << PORT_SHIFT) | key;
}

/** The port in word A. */
export function portOf(wordA: number): number {
  return wordA >>> PORT_SHIFT;
}

/** The key in word A. */
export function keyOf(wordA: number): number {
  return wordA & KEY;
}

/** Word A of the peer with another key. */
export function withKey(wordA: number, key: number): number {
  return (wordA & ~KEY) | key;
}

/** The key of an announced peer. */
export function makeKey(group: number, complete: boolean, isPrivate: boolean): number {
  return group | (complete ? COMPLETE : 0) | (isPrivate ? PRIVATE : 0);
}

/** The peer group in a key. */
export function groupOf(key: number): number {
  return key & GROUP;
}

/** Whether the peer has a complete copy. */
export function isComplete(key: number): boolean {
  return (key & COMPLETE) !== 0;
}

/** Whether the peer's address is private. */
export function hasPrivateAddress(key: number): boolean {
  return (key & PRIVATE) !== 0;
}

/** Whether another tracker named the peer. */
export function isLearned(key: number): boolean {
  return (key & LEARNED) !== 0;
}

/** Whether the peer is another address of a client that is counted. */
export function isDuplicate(key: number): boolean {
  return (key & DUPLICATE) !== 0;
}

/** Whether the peer counts as a client: it is neither learned nor a duplicate. */
export function countsAsClient(key: number): boolean {
  return (key & (LEARNED | DUPLICATE)) === 0;
}

/** Whether the selection policy has marked the peer. */
export function isMarked(key: number): boolean {
  return (key & (MARK | COMPLETE | LEARNED)) === MARK;
}

/** Whether the peer has the mark, whatever it means. */
export function hasMark(key: number): boolean {
  return (key & MARK) !== 0;
}

/** Whether a complete peer's copy is believed to exist. */
export function isProven(key: number): boolean {
  return (key & (MARK | COMPLETE)) === (MARK | COMPLETE);
}

/**
 * Whether the peer is unconfirmed: only an upstream tracker that few clients use has named it. It is returned to clients
 * that announce to that tracker, and to nobody else.
 */
export function isUnconfirmed(key: number): boolean {
  return (key & (MARK | LEARNED | COMPLETE)) === (MARK | LEARNED);
}

/** Whether two keys are both of complete peers, or both of incomplete ones. */
export function areEquallyComplete(key: number, other: number): boolean {
  return ((key ^ other) & COMPLETE) === 0;
}

/** The key of a duplicate. */
export function duplicateKey(key: number): number {
  return key | DUPLICATE;
}

/** The key of a complete peer whose copy is proven. */
export function provenKey(key: number): number {
  return key | MARK;
}

/** The key of a learned peer. */
export function learnedKey(key: number, unconfirmed: boolean): number {
  return key | LEARNED | (unconfirmed ? MARK : 0);
}

/** The key of the peer with its mark removed, or added. What the mark means follows from the rest of the key. */
export function flippedMark(key: number): number {
  return key ^ MARK;
}

/** A key with the mark of another, besides its own. */
export function withMarkOf(key: number, other: number): number {
  return key | (other & MARK);
}

/** A key that is of a complete peer if another one is, or it is already. */
export function withCompleteOf(key: number, other: number): number {
  return key | (other & COMPLETE);
}

/** The key of a peer that gets another group: what does not follow from the group stays. @param key as of a new peer. */
export function withStateOf(key: number, old: number): number {
  return key | (old & (MARK | LEARNED | DUPLICATE));
}

/** Word A with another identity. @param identity of {@link IDENTITY_BITS} bits. */
export function withIdentity(wordA: number, identity: number): number {
  return (wordA & ~IDENTITY) | ((identity >>> HIGHEST_BIT) << IDENTITY_SHIFT);
}

/** Whether the peer's last announce was to another node of the cluster, or is from the database. */
export function isForeign(wordA: number): boolean {
  return (wordA & FOREIGN) !== 0;
}

/** Word A that says to whom the last announce was. */
export function withForeign(wordA: number, foreign: boolean): number {
  return foreign ? wordA | FOREIGN : wordA & ~FOREIGN;
}

/** The bit of an identity that word A has, in its place. */
export function highestIdentityBit(wordA: number): number {
  return ((wordA & IDENTITY) >>> IDENTITY_SHIFT) << HIGHEST_BIT;
}

/** The bits of word A by which a search for records of one client chooses (client-pairs.ts). */
const SEARCHED = A.port.mask | IDENTITY | DUPLICATE | LEARNED;

/** The bits of word A that a search compares. @param completeToo whether it looks only for one kind of peer. */
export function searchMask(completeToo: boolean): number {
  return completeToo ? SEARCHED | COMPLETE : SEARCHED;
}

/** What a search looks for in these bits: an announced peer. */
export function searchWord(port: number, identity: number, duplicate: boolean, complete: boolean): number {
  return withIdentity(packPort(port, (duplicate ? DUPLICATE : 0) | (complete ? COMPLETE : 0)), identity);
}

/** The bits of word A that records of one client have in common: with these as the mask, a record is searched by its word A. */
export const SAME_CLIENT = A.port.mask | IDENTITY;

/** Whether word A is what a search looks for. */
export function isSearched(wordA: number, mask: number, word: number): boolean {
  return ((wordA ^ word) & mask) === 0;
}

/** Whether peers with a key can be what a search looks for. */
export function isKeySearched(key: number, mask: number, word: number): boolean {
  return ((key ^ word) & mask & (DUPLICATE | LEARNED | COMPLETE)) === 0;
}
