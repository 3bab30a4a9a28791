/** The description of the JSON interface in OpenAPI 3.1, made from its table of routes. */
import { z } from "zod";
import { API, type Route } from "./api.ts";
import { errorSchema } from "./api-error.ts";

/** Describes routes. */
export function describeApi(routes: readonly Route[], version: string): object {
  return {
    openapi: "3.1.0",
    info: {
      title: "BTRT admin interface",
      version,
      description: "Fields may be added; what is there stays within v1.",
    },
    paths: Object.fromEntries(
      routes.map((route) => [
        `${API}${route.path}`,
        { [route.body === undefined ? "get" : "post"]: describe(route) },
      ]),
    ),
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "The token of admin.token_file, if there is one.",
        },
      },
    },
    security: [{}, { bearer: [] }],
  };
}

function describe({ path, summary, query, answer, body, alsoAs = [] }: Route): object {
  return {
    operationId: path.slice(1).replaceAll("/", "_"),
    summary,
    parameters: query === undefined ? [] : parameters(query),
    ...(body === undefined ? {} : { requestBody: { required: true, ...content(body) } }),
    responses: {
      200: { description: "OK", ...content(answer, alsoAs) },
      default: { description: "It could not be answered.", ...content(errorSchema) },
    },
  };
}

function parameters(query: z.ZodObject): object[] {
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: "input" });
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
}

/** @param others media types of other forms, which have no schema. */
function content(schema: Route["answer"], others: readonly string[] = []): object {
  const ofTypes = (types: readonly string[]) => Object.fromEntries(types.map((type) => [type, {}]));
  if (!(schema instanceof z.ZodObject)) return { content: ofTypes(schema) };
  const { $schema, ...rest } = z.toJSONSchema(schema);
  return { content: { "application/json": { schema: rest }, ...ofTypes(others) } };
}
