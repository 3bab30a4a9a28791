/** Rules about names of list elements. They check the elements that have a name, whatever else is wrong. */
import { z } from "zod";
import { quote } from "./problem.ts";
import { didYouMean } from "./suggest.ts";

interface NamedElement {
  readonly index: number;
  readonly name: string;
  readonly reachableFrom: readonly unknown[];
}

/** Names must be unique; a duplicate is reported at the later element. */
export function distinctNames() {
  return z.superRefine<unknown>((elements, context) => {
    const first = new Map<string, number>();
    for (const { index, name } of namedElements(elements)) {
      const taken = first.get(name);
      if (taken === undefined) first.set(name, index);
      else issue(context, [index, "name"], `${quote(name)} is already the name of element [${taken}]`);
    }
  }, always);
}

/** Names in `reachable_from` must be those of these peer groups. */
export function groupsExist() {
  return z.superRefine<unknown>((groups, context) => checkReachableFrom(groups, groups, [], context), always);
}

/** The same rule for `neighbors`, for the root, as their groups are in another section. */
export function neighborsGroupsExist() {
  return z.superRefine<{ peer_groups?: unknown; neighbors?: unknown }>(
    ({ neighbors, peer_groups }, context) =>
      checkReachableFrom(neighbors, peer_groups, ["neighbors"], context),
    always,
  );
}

/** Names in `gate.groups` must be those of peer groups; and the gate needs the policy that has bridges. For the root. */
export function gateFits() {
  return z.superRefine<GateParts>(({ gate, peer_groups, selection }, context) => {
    const names = namedElements(peer_groups).map(({ name }) => name);
    for (const [i, name] of (Array.isArray(gate?.groups) ? gate.groups : []).entries()) {
      if (typeof name !== "string" || names.includes(name)) continue;
      issue(
        context,
        ["gate", "groups", i],
        `${quote(name)} is not the name of a peer group${didYouMean(name, names)}`,
      );
    }
    if (gate?.enabled !== true || selection?.policy === "bridged") return;
    issue(
      context,
      ["gate", "enabled"],
      "needs selection.policy bridged: the gate opens for its bridges alone",
    );
  }, always);
}

/** What {@link gateFits} looks at. */
interface GateParts {
  readonly gate?: { readonly enabled?: unknown; readonly groups?: unknown } | null;
  readonly peer_groups?: unknown;
  readonly selection?: { readonly policy?: unknown } | null;
}

const always = { when: () => true };

function checkReachableFrom(
  elements: unknown,
  groups: unknown,
  path: readonly string[],
  context: z.core.$RefinementCtx<unknown>,
): void {
  const names = namedElements(groups).map(({ name }) => name);
  for (const { index, reachableFrom } of namedElements(elements)) {
    for (const [i, name] of reachableFrom.entries()) {
      if (typeof name !== "string" || names.includes(name)) continue;
      const message = `${quote(name)} is not the name of a peer group${didYouMean(name, names)}`;
      issue(context, [...path, index, "reachable_from", i], message);
    }
  }
}

/** The elements with a name. The document is not validated yet. */
function namedElements(elements: unknown): NamedElement[] {
  if (!Array.isArray(elements)) return [];
  return elements.flatMap((element: unknown, index) => {
    if (typeof element !== "object" || element === null || !("name" in element)) return [];
    if (typeof element.name !== "string") return [];
    const listed = "reachable_from" in element ? element.reachable_from : undefined;
    return [{ index, name: element.name, reachableFrom: Array.isArray(listed) ? listed : [] }];
  });
}

function issue(context: z.core.$RefinementCtx<unknown>, path: PropertyKey[], message: string): void {
  context.addIssue({ code: "custom", path, message });
}
