import { z } from "zod";

/** An error of the JSON interface with its HTTP status. */
export class ApiError extends Error {
  readonly status: 400 | 404 | 409 | 503;

  constructor(status: 400 | 404 | 409 | 503, message: string) {
    super(message);
    this.status = status;
  }
}

/** The JSON form of an {@link ApiError}. */
export const errorSchema = z.object({ error: z.string() });
