/** Addresses of this machine from which peers announce, and sockets bound to them. */
import { SOCKADDR, SOCKET } from "../../src/engine/uring/layouts.ts";
import { bind, close, setsockopt, socket, systemError } from "../../src/engine/uring/libc.ts";
import { Memory } from "../../src/engine/uring/memory.ts";
import { connect } from "./libc.ts";
import { SOURCES } from "./population.ts";

/** IP_BIND_ADDRESS_NO_PORT, include/uapi/linux/in.h: connect(2) chooses the port, which need not be free before. */
const LEVEL_IP = 0;
const BIND_ADDRESS_NO_PORT = 24;

/** Offsets of the server's address and of the number 1. The sources' addresses come before them. */
const SERVER = SOURCES * SOCKADDR.bytes4;
const ONE = SERVER + SOCKADDR.bytes4;

/** Opens sockets to one server, on 127.0.0.1. */
export class Sources {
  readonly #memory = Memory.allocate(ONE + 4);
  readonly #addresses = Array.from({ length: SOURCES }, (_, source) => {
    this.#writeAddress(source * SOCKADDR.bytes4, [127, 1, source, 1], 0);
    return this.#memory.pointerTo(source * SOCKADDR.bytes4);
  });
  readonly #server = this.#memory.pointerTo(SERVER);
  readonly #one = this.#memory.pointerTo(ONE);

  /** @param port the server's. */
  constructor(port: number) {
    this.#writeAddress(SERVER, [127, 0, 0, 1], port);
    this.#memory.words[ONE >> 2] = 1;
  }

  /** Offset of the server's address, a struct sockaddr_in. */
  get server(): { readonly memory: Memory; readonly offset: number } {
    return { memory: this.#memory, offset: SERVER };
  }

  /** @returns a descriptor connected to the server. @throws SystemError */
  openStream(source: number): number {
    const fd = open(SOCKET.stream);
    setsockopt(fd, LEVEL_IP, BIND_ADDRESS_NO_PORT, this.#one, 4);
    this.#bind(fd, source);
    if (connect(fd, this.#server, SOCKADDR.bytes4) < 0) throw systemError("connect");
    return fd;
  }

  /** @returns a descriptor bound to the source and to any port. @throws SystemError */
  openDatagram(source: number): number {
    const fd = open(SOCKET.datagram);
    this.#bind(fd, source);
    return fd;
  }

  /** Releases the memory. */
  close(): void {
    this.#memory.unmap();
  }

  #bind(fd: number, source: number): void {
    if (bind(fd, this.#addresses[source], SOCKADDR.bytes4) >= 0) return;
    close(fd);
    throw systemError("bind");
  }

  #writeAddress(at: number, address: readonly number[], port: number): void {
    const { bytes, halves } = this.#memory;
    halves[(at + SOCKADDR.family) >> 1] = SOCKET.familyIPv4;
    bytes.set([port >> 8, port & 0xff], at + SOCKADDR.port);
    bytes.set(address, at + SOCKADDR.address4);
  }
}

function open(type: number): number {
  const fd = socket(SOCKET.familyIPv4, type | SOCKET.closeOnExec, 0);
  if (fd < 0) throw systemError("socket");
  return fd;
}
