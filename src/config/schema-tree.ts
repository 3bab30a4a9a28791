/** Inspects the schema: its keys, without the wrappers for missing and empty values. */
import { z } from "zod";

type Schema = z.core.$ZodType;

/** The shape of a schema. */
export type Shape =
  | { readonly kind: "section"; readonly keys: Readonly<Record<string, Schema>> }
  | { readonly kind: "list"; readonly element: Schema }
  | { readonly kind: "value" };

/** The shape of a schema without its wrappers. */
export function shapeOf(schema: Schema): Shape {
  for (const layer of layers(schema)) {
    if (layer instanceof z.ZodObject) return { kind: "section", keys: layer.shape };
    if (layer instanceof z.ZodArray) return { kind: "list", element: layer.element };
  }
  return { kind: "value" };
}

/** The default of a key, as written in a file; undefined if the key is required. */
export function defaultOf(schema: Schema): unknown {
  for (const layer of layers(schema)) {
    if (layer instanceof z.ZodDefault || layer instanceof z.ZodPrefault) return layer.def.defaultValue;
  }
  return undefined;
}

/** The range of a number; undefined for other values. */
export function rangeOf(schema: Schema): { readonly min: number; readonly max: number } | undefined {
  for (const layer of layers(schema)) {
    if (!(layer instanceof z.ZodNumber)) continue;
    const { minValue: min, maxValue: max } = layer;
    return min === null || max === null ? undefined : { min, max };
  }
  return undefined;
}

/** The description of a key, and the example for a key without a default. */
export function documentationOf(schema: Schema): { readonly description: string; readonly example: unknown } {
  const meta = z.globalRegistry.get(schema);
  const examples = meta?.examples;
  return { description: meta?.description ?? "", example: Array.isArray(examples) ? examples[0] : undefined };
}

/** Whether `schema` is `part`, wraps it, or is a copy of it with another description. */
export function wraps(schema: Schema, part: Schema): boolean {
  return [...layers(schema)].some((layer) => layer === part || layer._zod.parent === part);
}

/** The schema of the value at a path, or undefined if it does not exist. */
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

/** Calls `visit` for each value of a document that the schema describes. */
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

/** A schema and the schemas that it wraps, from the outside in. */
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
