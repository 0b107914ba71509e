import { setTimeout as wait } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import { EVENTS, type DataEnvelope, type PresenceInformation } from "../../src/protocol/events";
import type { Random } from "../support/random";

type UsersPerRoom = PresenceInformation["usersPerRoom"];

const RECONNECT_PAUSE = [20, 200] as const; // ms
const STAY = [100, 1_500] as const; // ms in a room before going to another; shapes the load
const ANSWER_WITHIN = 2_000; // ms; where none comes the connection was lost

/** Is somewhere, says so whenever it connects, as frontends do, and wanders from room to room and node to node. */
export class Guest {
  readonly name: string;
  room: string;
  readonly #urls: readonly string[];
  readonly #rooms: readonly string[];
  readonly #random: Random;
  #url: string;
  #socket: Socket | undefined;
  #isOver = false;

  constructor(name: string, urls: readonly string[], rooms: readonly string[], random: Random) {
    this.name = name;
    this.#urls = urls;
    this.#rooms = rooms;
    this.#random = random;
    this.room = random.pick(rooms);
    this.#url = random.pick(urls);
    this.#open();
  }

  async wander(): Promise<void> {
    while (!this.#isOver) {
      await wait(this.#random.between(...STAY));
      this.room = this.#random.pick(this.#rooms);
      this.#announce();
      if (this.#random.next() < 0.2) this.#socket?.io.engine.close();
    }
  }

  /** Stays in its room from now on, on the node at that URL. */
  settle(url: string): void {
    this.#isOver = true;
    if (url === this.#url) return;
    this.#url = url;
    this.#socket?.io.engine.close();
  }

  /** Who is where, as its node answers; undefined when it does not. */
  asks(): Promise<UsersPerRoom | undefined> {
    return new Promise((resolve) => {
      const giveUp = setTimeout(() => resolve(undefined), ANSWER_WITHIN);
      this.#announce(({ data }) => {
        clearTimeout(giveUp);
        resolve(data.usersPerRoom);
      });
    });
  }

  close(): void {
    this.#isOver = true;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.disconnect();
  }

  #open(): void {
    const socket = io(this.#url, { transports: ["websocket"], forceNew: true, reconnection: false, timeout: 2_000 }); // prettier-ignore
    this.#socket = socket;
    socket.once("connect", () => this.#announce());
    const again = () => void this.#openAgain(socket);
    socket.once("connect_error", again);
    socket.once("disconnect", again);
  }

  async #openAgain(socket: Socket): Promise<void> {
    await wait(this.#random.between(...RECONNECT_PAUSE));
    if (this.#socket !== socket) return; // closed
    if (!this.#isOver) this.#url = this.#random.pick(this.#urls);
    this.#open();
  }

  #announce(onAnswer?: (answer: DataEnvelope<PresenceInformation>) => void): void {
    if (this.#socket?.connected !== true) return;
    const { name, room } = this;
    const presence = { username: name, avatar: "", currentRoom: { label: "x", name: room } };
    this.#socket.emit(EVENTS.newPresenceInformation, presence, onAnswer ?? (() => undefined));
  }
}
