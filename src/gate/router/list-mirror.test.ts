import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GateProtocolError } from "../event-reader.ts";
import { GATE_LISTS, type GateElements, type GateList } from "../protocol.ts";
import { ListMirror } from "./list-mirror.ts";

/** A set of sets, as in the kernel: what is there twice or was never there is an error. */
class Kernel {
  readonly lists: Record<GateList, Set<string>> = {
    refused: new Set(),
    closed: new Set(),
    hosts: new Set(),
    far: new Set(),
  };

  apply(mirror: ListMirror, most: number): void {
    const { add, remove } = mirror.take(most);
    let count = 0;
    for (const list of GATE_LISTS) {
      for (const element of remove[list])
        assert.ok(this.lists[list].delete(element), "removed what was not there");
      for (const element of add[list]) {
        assert.ok(!this.lists[list].has(element), "added what was there");
        this.lists[list].add(element);
      }
      count += add[list].length + remove[list].length;
    }
    assert.ok(count <= most);
  }

  applyAll(mirror: ListMirror): void {
    while (mirror.differs) this.apply(mirror, 3);
  }
}

const elements = fc.dictionary(
  fc.constantFrom(...GATE_LISTS),
  fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { maxLength: 4 }),
) as fc.Arbitrary<GateElements>;
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("change" as const), add: elements, remove: elements }),
    fc.record({ kind: fc.constant("snapshot" as const), add: elements, later: elements }),
    fc.record({ kind: fc.constantFrom("take" as const, "reset" as const) }),
  ),
);

function change(add: GateElements, remove: GateElements = {}) {
  return { event: "change", version: 1, add, remove } as const;
}

test("whatever the tracker sends, the kernel gets what differs and nothing else", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const mirror = new ListMirror();
      let kernel = new Kernel();
      const wanted = new Kernel().lists;
      const want = (add: GateElements, remove: GateElements) => {
        for (const list of GATE_LISTS) {
          for (const element of remove[list] ?? []) wanted[list].delete(element);
          for (const element of add[list] ?? []) wanted[list].add(element);
        }
      };
      for (const step of all) {
        if (step.kind === "change") {
          mirror.change(change(step.add, step.remove));
          want(step.add, step.remove);
        } else if (step.kind === "snapshot") {
          mirror.begin();
          mirror.change(change(step.add));
          kernel.apply(mirror, 2);
          mirror.change(change(step.later));
          mirror.complete();
          want({}, Object.fromEntries(GATE_LISTS.map((list) => [list, [...wanted[list]]])));
          want(step.add, {});
          want(step.later, {});
        } else if (step.kind === "take") {
          kernel.apply(mirror, 2);
        } else {
          kernel = new Kernel();
          mirror.reset();
        }
      }
      kernel.applyAll(mirror);
      assert.deepEqual(kernel.lists, wanted);
    }),
  );
});

test("what opens comes before what closes, and hosts come last", () => {
  const mirror = new ListMirror();
  const lists: GateElements = { hosts: ["a"], far: ["a"], closed: ["a"], refused: ["a"] };
  mirror.change(change(lists));
  assert.deepEqual(mirror.take(1).add.refused, ["a"]);
  assert.deepEqual(mirror.take(2).add, { refused: [], closed: ["a"], far: ["a"], hosts: [] });
  assert.deepEqual(mirror.take(9).add.hosts, ["a"]);
  mirror.change(change({ refused: ["b"] }, lists));
  const { add, remove } = mirror.take(1);
  assert.deepEqual([add.refused, remove.hosts], [[], ["a"]]);
});

test("a list that gets too long is refused", () => {
  const mirror = new ListMirror(2);
  mirror.change(change({ hosts: ["a", "b"], far: ["a"] }));
  assert.throws(() => mirror.change(change({ hosts: ["c"] })), GateProtocolError);
});
