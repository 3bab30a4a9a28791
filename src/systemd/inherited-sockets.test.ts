import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type InheritedSocket,
  InheritedSocketError,
  placeInheritedSockets,
  takeInheritedSockets,
} from "./inherited-sockets.ts";

function given(type: InheritedSocket["type"], host: string, port: number, fd: number): InheritedSocket {
  return { type, name: "btrt.socket", address: { host, port, fd }, ipv6Only: false };
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
    unused: [],
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

test("a socket that no address of the configuration names is served as well", () => {
  const sockets = [given("stream", "::", 8080, 3), given("datagram", "2001:db8::1", 6969, 4)];
  const { streams, datagrams, unused } = placeInheritedSockets(WANTED, sockets);
  assert.deepEqual(streams, [...WANTED.streams, { host: "::", port: 8080, fd: 3 }]);
  assert.deepEqual(datagrams, [...WANTED.datagrams, { host: "2001:db8::1", port: 6969, fd: 4 }]);
  assert.deepEqual(unused, []);
});

test("a socket of all addresses takes the places of those that it includes", () => {
  const wanted = {
    streams: [
      { host: "192.0.2.1", port: 80 },
      { host: "2001:db8::1", port: 80 },
      { host: "192.0.2.1", port: 8080 },
    ],
    datagrams: [],
  };
  const all = { host: "::", port: 80, fd: 3 };
  assert.deepEqual(placeInheritedSockets(wanted, [given("stream", "::", 80, 3)]).streams, [
    all,
    wanted.streams[2],
  ]);
  const onlyIPv6 = { ...given("stream", "::", 80, 3), ipv6Only: true };
  assert.deepEqual(placeInheritedSockets(wanted, [onlyIPv6]).streams, [
    wanted.streams[0],
    all,
    wanted.streams[2],
  ]);
  const onlyIPv4 = { host: "0.0.0.0", port: 80, fd: 3 };
  assert.deepEqual(placeInheritedSockets(wanted, [given("stream", "0.0.0.0", 80, 3)]).streams, [
    onlyIPv4,
    ...wanted.streams.slice(1),
  ]);
});

test("a UDP socket is left unused if the configuration disables UDP", () => {
  const sockets = [given("stream", "::", 80, 3), given("datagram", "::", 6969, 4)];
  const { datagrams, unused } = placeInheritedSockets({ ...WANTED, datagrams: [] }, sockets);
  assert.deepEqual(datagrams, []);
  assert.deepEqual(unused, [sockets[1]]);
});

test("two sockets with one address are refused", () => {
  const sockets = [given("stream", "::", 80, 3), given("stream", "::", 80, 4)];
  assert.throws(
    () => placeInheritedSockets(WANTED, sockets),
    new InheritedSocketError("btrt.socket of the service manager has TCP [::]:80 twice"),
  );
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
