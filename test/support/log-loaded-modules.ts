/** Loaded before a program: writes the URL of every module that any of its threads loads into a file. */
import { appendFileSync } from "node:fs";
import { registerHooks } from "node:module";

const file = process.env.LOADED_MODULES;
if (file === undefined) throw new Error("LOADED_MODULES is not set");
registerHooks({
  load: (url, context, next) => {
    appendFileSync(file, `${url}\n`);
    return next(url, context);
  },
});
