/** The JSON interface: every route with what it is asked and what it answers. OpenAPI is made of the same table. */
import type { z } from "zod";
import { ApiError } from "./api-error.ts";
import { AnswerExplainer, explainQuerySchema, explanationSchema } from "./explain.ts";
import { answerHashList, HASH_LIST_TYPES, hashListQuerySchema } from "./hash-list.ts";
import { historyQuerySchema, historySchema, readHistory } from "./history.ts";
import type { Sources } from "./sources.ts";
import { statusSchema } from "./status.ts";
import { readSwarms, swarmsSchema } from "./swarms.ts";

/** Where the interface is. */
export const API = "/api/v1";

/** A route below {@link API}. */
export interface Route {
  readonly path: string;
  readonly summary: string;
  readonly query: z.ZodObject | undefined;
  /** JSON; or the media types of what is answered instead. */
  readonly answer: z.ZodObject | readonly string[];
  /** What is answered as JSON, or a response. @throws ApiError */
  readonly handle: (query: Readonly<Record<string, string>>, request: Request) => unknown;
}

/** All routes of one tracker. @param readState gives what {@link statusSchema} describes. */
export function makeRoutes(sources: Sources, readState: () => object): Route[] {
  const explainer = new AnswerExplainer(sources);
  return [
    {
      path: "/status",
      summary: "The state of the tracker at a glance",
      query: undefined,
      answer: statusSchema,
      handle: readState,
    },
    {
      path: "/swarms",
      summary: "Swarms by size, the largest of them, and peer groups, as of the last round over all swarms",
      query: undefined,
      answer: swarmsSchema,
      handle: () => readSwarms(sources),
    },
    {
      path: "/explain",
      summary: "The answer that an address would get now, and why; changes nothing",
      query: explainQuerySchema,
      answer: explanationSchema,
      handle: (query) => {
        const explanation = explainer.explain(parse(explainQuerySchema, query));
        if (explanation === undefined) throw new ApiError(503, "this torrent is busy: try again");
        if (explanation === null) throw new ApiError(404, "nobody is in this torrent");
        return explanation;
      },
    },
    {
      path: "/hashlist",
      summary: "The torrents whose connections to the outside can be refused, as of now",
      query: hashListQuerySchema,
      answer: HASH_LIST_TYPES,
      handle: (query, request) => answerHashList(sources, parse(hashListQuerySchema, query), request),
    },
    {
      path: "/history",
      summary: "What peer groups did by hour or day, from the database",
      query: historyQuerySchema,
      answer: historySchema,
      handle: async (query) => {
        const history = await readHistory(sources, parse(historyQuerySchema, query));
        if (history === undefined) throw new ApiError(503, "the database cannot be used now");
        return history;
      },
    },
  ];
}

function parse<Schema extends z.ZodObject>(schema: Schema, query: unknown): z.output<Schema> {
  const { data, error } = schema.safeParse(query);
  if (error === undefined) return data;
  throw new ApiError(
    400,
    error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "),
  );
}
