/**
 * A program that announces, to be run in a network namespace. It gets a JSON array of `[url, announce]`, with the
 * info-hash in hexadecimal. It sends the announces one after the other and prints the array of answers.
 */
import { announce } from "./announce.ts";

const answers = [];
for (const [url, what] of JSON.parse(process.argv[2])) {
  answers.push(await announce(url, { ...what, infoHash: Buffer.from(what.infoHash, "hex") }));
}
console.log(JSON.stringify(answers));
