/**
 * What a router's lists should have, and what they have already. A router that connects again gets everything once more;
 * only what differs is changed in the kernel.
 */
import { GateProtocolError } from "../event-reader.ts";
import { GATE_LIMITS, GATE_LISTS, type GateChange, type GateList } from "../protocol.ts";

/** Elements to remove and to add. */
export interface ListChange {
  readonly add: Readonly<Record<GateList, readonly string[]>>;
  readonly remove: Readonly<Record<GateList, readonly string[]>>;
}

/** The order in which lists are loaded: handshakes are refused before the connections that hide them are. */
export const LOADING_ORDER: readonly GateList[] = ["refused", "closed", "far", "hosts"];

/** The lists of a router. */
export class ListMirror {
  /** What the tracker wants in each list. */
  #wanted = emptySets();
  /** What the tracker sends anew, until it is complete. */
  #fresh: Record<GateList, Set<string>> | undefined;
  /** What is wanted, and not in the kernel yet. */
  readonly #missing = emptySets();
  /** What is in the kernel, and not wanted any more. */
  readonly #surplus = emptySets();

  readonly #most: number;

  /** @param most elements of one list. */
  constructor(most: number = GATE_LIMITS.elements) {
    this.#most = most;
  }

  /** The number of elements that the router should have. */
  count(list: GateList): number {
    return this.#wanted[list].size;
  }

  /** Begins to take everything anew. */
  begin(): void {
    this.#fresh = emptySets();
  }

  /** Takes a change. @throws GateProtocolError when a list gets too long. */
  change({ add, remove }: GateChange): void {
    for (const list of GATE_LISTS) {
      for (const element of remove[list] ?? []) this.#set(list, element, false);
      for (const element of add[list] ?? []) this.#set(list, element, true);
      if ((this.#fresh ?? this.#wanted)[list].size > this.#most)
        throw new GateProtocolError(`${list}: more than ${this.#most} elements`);
    }
  }

  /** Ends what {@link begin} began. */
  complete(): void {
    const fresh = this.#fresh;
    if (fresh === undefined) return;
    this.#fresh = undefined;
    for (const list of GATE_LISTS) {
      for (const element of this.#wanted[list])
        if (!fresh[list].has(element)) this.#changed(list, element, false);
      for (const element of fresh[list])
        if (!this.#wanted[list].has(element)) this.#changed(list, element, true);
    }
    this.#wanted = fresh;
  }

  /** The lists in the kernel are empty. */
  reset(): void {
    for (const list of GATE_LISTS) {
      this.#surplus[list].clear();
      this.#missing[list] = new Set(this.#wanted[list]);
    }
  }

  /** Whether the kernel differs from what the tracker wants. */
  get differs(): boolean {
    return GATE_LISTS.some((list) => this.#missing[list].size + this.#surplus[list].size > 0);
  }

  /** Takes some of the differences, which then count as applied. What is to be removed comes first. */
  take(most: number): ListChange {
    const change = { add: emptyArrays(), remove: emptyArrays() };
    let left = most;
    const move = (from: Set<string>, to: string[]) => {
      for (const element of from) {
        if (left-- <= 0) return;
        to.push(element);
        from.delete(element);
      }
    };
    for (const list of LOADING_ORDER.toReversed()) move(this.#surplus[list], change.remove[list]);
    for (const list of LOADING_ORDER) move(this.#missing[list], change.add[list]);
    return change;
  }

  #set(list: GateList, element: string, present: boolean): void {
    const set = (this.#fresh ?? this.#wanted)[list];
    if (set.has(element) === present) return;
    if (present) set.add(element);
    else set.delete(element);
    if (this.#fresh === undefined) this.#changed(list, element, present);
  }

  /** An element is wanted from now on, or no longer. */
  #changed(list: GateList, element: string, wanted: boolean): void {
    const [undone, todo] = wanted
      ? [this.#surplus[list], this.#missing[list]]
      : [this.#missing[list], this.#surplus[list]];
    if (!undone.delete(element)) todo.add(element);
  }
}

function emptySets(): Record<GateList, Set<string>> {
  return { refused: new Set(), closed: new Set(), hosts: new Set(), far: new Set() };
}

function emptyArrays(): Record<GateList, string[]> {
  return { refused: [], closed: [], hosts: [], far: [] };
}
