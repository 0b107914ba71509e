import { setTimeout as pause } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import { EVENTS, type DataEnvelope, type PresenceInformation } from "../../src/protocol/events";
import type { Random } from "../support/random";

type UsersPerRoom = PresenceInformation["usersPerRoom"];

const CONNECT_TIMEOUT_MS = 2_000;
const RECONNECT_PAUSE_MS = [20, 200] as const;
/** In a room, before the guest goes to another one. It shapes the load; no check depends on it. */
const STAY_MS = [100, 1_500] as const;
/** Without an answer in this time the connection counts as lost. */
const ANSWER_TIMEOUT_MS = 2_000;

/** Announces its room on every connection, as frontends do, and moves from room to room and node to node. */
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

  /** Moves until `settle` or `close` is called. */
  async wander(): Promise<void> {
    while (!this.#isOver) {
      await pause(this.#random.between(...STAY_MS));
      this.room = this.#random.pick(this.#rooms);
      this.#announce();
      if (this.#random.next() < 0.2) this.#socket?.io.engine.close();
    }
  }

  /** Stays in its room from now on, connected to the node at that URL. */
  settle(url: string): void {
    this.#isOver = true;
    if (url === this.#url) return;
    this.#url = url;
    this.#socket?.io.engine.close();
  }

  /** Announces its room; resolves with the users in the ack, or with undefined when none comes in time. */
  askForPresence(): Promise<UsersPerRoom | undefined> {
    return new Promise((resolve) => {
      const giveUp = setTimeout(() => resolve(undefined), ANSWER_TIMEOUT_MS);
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
    const socket = io(this.#url, { transports: ["websocket"], forceNew: true, reconnection: false, timeout: CONNECT_TIMEOUT_MS }); // prettier-ignore
    this.#socket = socket;
    socket.once("connect", () => this.#announce());
    const reopen = () => void this.#reopen(socket);
    socket.once("connect_error", reopen);
    socket.once("disconnect", reopen);
  }

  async #reopen(socket: Socket): Promise<void> {
    await pause(this.#random.between(...RECONNECT_PAUSE_MS));
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
