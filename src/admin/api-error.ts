import { z } from "zod";

/** A question that cannot be answered, and the status that says so. */
export class ApiError extends Error {
  readonly status: 400 | 404 | 409 | 503;

  constructor(status: 400 | 404 | 409 | 503, message: string) {
    super(message);
    this.status = status;
  }
}

/** What an {@link ApiError} is told as. */
export const errorSchema = z.object({ error: z.string() });
