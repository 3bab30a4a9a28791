/**
 * A program that connects (BEP 15), to be run in a network namespace: `connector.ts PORT ADDRESS…` prints the array of
 * the addresses from which the replies came, in the order of the arguments. It retries when no reply comes.
 */
import { createSocket } from "node:dgram";

const CONNECT = Buffer.from("0000041727101980000000007472616e", "hex");
const RETRY_MS = 200;

const [port, ...asked] = process.argv.slice(2);

async function ask(address: string): Promise<string> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.on("message", (_, from) => resolve(from.address));
  const send = () => socket.send(CONNECT, Number(port), address);
  const timer = setInterval(send, RETRY_MS);
  send();
  const from = await promise;
  clearInterval(timer);
  socket.close();
  return from;
}

const from = [];
for (const address of asked) from.push(await ask(address));
console.log(JSON.stringify(from));
