/** `report`: what external traffic costs. */
import { z } from "zod";
import { expected, optional, section } from "../fields.ts";

const amount = expected("an amount from 0 to 1000000");
const code = expected("a currency of 1 to 8 letters or signs, such as EUR");

/** The price of transit, with which the report states savings in money. */
export const report = section({
  price_per_mbit: optional(
    z.number({ error: amount }).min(0, { error: amount }).max(1e6, { error: amount }),
  ).meta({
    description:
      "The price of external traffic for a Mbit/s and month, at the 95th percentile. Without it, the report has no money.",
    examples: [0.4],
  }),
  currency: z
    .string({ error: code })
    .regex(/^[\p{L}\p{Sc}]{1,8}$/u, { error: code })
    .default("EUR")
    .describe("The currency of this price."),
});
