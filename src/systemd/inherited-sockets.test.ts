import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type InheritedSocket,
  InheritedSocketError,
  placeInheritedSockets,
  takeInheritedSockets,
} from "./inherited-sockets.ts";

function given(type: InheritedSocket["type"], host: string, port: number, fd: number): InheritedSocket {
  return { type, name: "btrt.socket", address: { host, port, fd } };
}

const WANTED = {
  streams: [
    { host: "::", port: 80 },
    { host: "2001:db8::0:1", port: 6969 },
  ],
  datagrams: [{ host: "::", port: 80 }],
};

test("sockets take the places of their addresses; the others stay to be opened", () => {
  const sockets = [given("datagram", "::", 80, 3), given("stream", "2001:db8::1", 6969, 4)];
  assert.deepEqual(placeInheritedSockets(WANTED, sockets), {
    streams: [
      { host: "::", port: 80 },
      { host: "2001:db8::1", port: 6969, fd: 4 },
    ],
    datagrams: [{ host: "::", port: 80, fd: 3 }],
  });
});

test("0.0.0.0 takes the place of ::, where it has none of its own", () => {
  const { streams } = placeInheritedSockets(WANTED, [given("stream", "0.0.0.0", 80, 3)]);
  assert.deepEqual(streams[0], { host: "0.0.0.0", port: 80, fd: 3 });
  const both = {
    streams: [
      { host: "::", port: 80 },
      { host: "0.0.0.0", port: 80 },
    ],
    datagrams: [],
  };
  const placed = placeInheritedSockets(both, [given("stream", "0.0.0.0", 80, 3)]);
  assert.deepEqual(placed.streams, [
    { host: "::", port: 80 },
    { host: "0.0.0.0", port: 80, fd: 3 },
  ]);
});

test("one without a place is refused, and two for the same", () => {
  const message = (sockets: InheritedSocket[]) => {
    try {
      placeInheritedSockets(WANTED, sockets);
    } catch (error) {
      assert.ok(error instanceof InheritedSocketError);
      return error.message;
    }
    return assert.fail();
  };
  assert.match(
    message([given("datagram", "2001:db8::1", 6969, 3)]),
    /UDP \[2001:db8::1\]:6969, .*listen\.udp/,
  );
  assert.match(message([given("stream", "::", 80, 3), given("stream", "::", 80, 4)]), /twice/);
});

test("sockets for another process are ignored, and not passed on to children", async () => {
  const environment = { LISTEN_PID: "1", LISTEN_FDS: "1", LISTEN_FDNAMES: "x", PATH: "/" };
  assert.deepEqual(await takeInheritedSockets(environment, 2), []);
  assert.deepEqual(environment, { PATH: "/" });
  assert.deepEqual(await takeInheritedSockets({}, 2), []);
});

test("nonsense is refused", async () => {
  for (const LISTEN_FDS of ["-1", "1.5", "many", "100000"]) {
    await assert.rejects(takeInheritedSockets({ LISTEN_PID: "2", LISTEN_FDS }, 2), InheritedSocketError);
  }
});

test("a descriptor that is no socket is refused", async () => {
  const environment = { LISTEN_PID: "2", LISTEN_FDS: "120", LISTEN_FDNAMES: "" };
  await assert.rejects(
    takeInheritedSockets(environment, 2),
    /descriptor \d+ of the service manager is neither a listening/,
  );
});
