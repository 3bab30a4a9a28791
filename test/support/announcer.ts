/**
 * A program that announces, to be run in a network namespace: takes a JSON array of `[url, announce]`, the
 * info-hash in hexadecimal, sends them one after the other and prints the array of answers.
 */
import { announce } from "./announce.ts";

const answers = [];
for (const [url, what] of JSON.parse(process.argv[2])) {
  answers.push(await announce(url, { ...what, infoHash: Buffer.from(what.infoHash, "hex") }));
}
console.log(JSON.stringify(answers));
