/** Looks into the schema: which keys are where, under what only says how absent or empty values are read. */
import { z } from "zod";

type Schema = z.core.$ZodType;

/** What a schema describes. */
export type Shape =
  | { readonly kind: "section"; readonly keys: Readonly<Record<string, Schema>> }
  | { readonly kind: "list"; readonly element: Schema }
  | { readonly kind: "value" };

/** The shape of a schema without its wrappings. */
export function shapeOf(schema: Schema): Shape {
  for (const layer of layers(schema)) {
    if (layer instanceof z.ZodObject) return { kind: "section", keys: layer.shape };
    if (layer instanceof z.ZodArray) return { kind: "list", element: layer.element };
  }
  return { kind: "value" };
}

/** What stands in for a key that is absent, as it would be written in the file; undefined: the key is required. */
export function defaultOf(schema: Schema): unknown {
  for (const layer of layers(schema)) {
    if (layer instanceof z.ZodDefault || layer instanceof z.ZodPrefault) return layer.def.defaultValue;
  }
  return undefined;
}

/** The least and the greatest value of a number; undefined for anything else. */
export function rangeOf(schema: Schema): { readonly min: number; readonly max: number } | undefined {
  for (const layer of layers(schema)) {
    if (!(layer instanceof z.ZodNumber)) continue;
    const { minValue: min, maxValue: max } = layer;
    return min === null || max === null ? undefined : { min, max };
  }
  return undefined;
}

/** What the schema says about a key: its description, and the example that stands for a key without a default. */
export function documentationOf(schema: Schema): { readonly description: string; readonly example: unknown } {
  const meta = z.globalRegistry.get(schema);
  const examples = meta?.examples;
  return { description: meta?.description ?? "", example: Array.isArray(examples) ? examples[0] : undefined };
}

/** Whether `part` is `schema`, or is what it wraps, or what one of these is with another description. */
export function wraps(schema: Schema, part: Schema): boolean {
  return [...layers(schema)].some((layer) => layer === part || layer._zod.parent === part);
}

/** The schema of the value at a path, or undefined where the path leads out of the schema. */
export function schemaAt(root: Schema, path: readonly PropertyKey[]): Schema | undefined {
  let schema: Schema | undefined = root;
  for (const step of path) {
    if (schema === undefined) return undefined;
    const shape: Shape = shapeOf(schema);
    if (shape.kind === "value") return undefined;
    schema = shape.kind === "list" ? shape.element : shape.keys[String(step)];
  }
  return schema;
}

/** The dotted keys of all values and sections, without list indexes. */
export function dottedKeys(schema: Schema, parent = ""): string[] {
  const shape = shapeOf(schema);
  if (shape.kind === "value") return [];
  if (shape.kind === "list") return dottedKeys(shape.element, parent);
  return Object.entries(shape.keys).flatMap(([key, inner]) => {
    const dotted = parent === "" ? key : `${parent}.${key}`;
    return [dotted, ...dottedKeys(inner, dotted)];
  });
}

/** Calls `visit` for each value of a document, where schema and document agree on what is there. */
export function visitValues(
  schema: Schema,
  value: unknown,
  visit: (schema: Schema, value: unknown, path: (string | number)[]) => void,
  path: (string | number)[] = [],
): void {
  const shape = shapeOf(schema);
  if (shape.kind === "value") visit(schema, value, path);
  else if (shape.kind === "list" && Array.isArray(value)) {
    for (const [i, element] of value.entries()) visitValues(shape.element, element, visit, [...path, i]);
  } else if (shape.kind === "section" && typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      if (Object.hasOwn(shape.keys, key)) visitValues(shape.keys[key], inner, visit, [...path, key]);
    }
  }
}

/** A schema and what it wraps, from the outside in. */
function* layers(schema: Schema) {
  for (let layer: Schema | undefined = schema; layer !== undefined; layer = unwrap(layer)) yield layer;
}

function unwrap(schema: Schema): Schema | undefined {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable) {
    return schema.unwrap();
  }
  if (schema instanceof z.ZodPipe) return schema.in instanceof z.ZodTransform ? schema.out : schema.in;
  return undefined;
}
