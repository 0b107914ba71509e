import { setTimeout as wait } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import { EVENTS, type DataEnvelope, type MessageReceipt } from "../../src/protocol/events";
import type { NewMessage } from "../../src/protocol/payloads";
import type { ErrorEnvelope } from "../../src/errors";
import type { Random } from "../support/random";

type Answer = DataEnvelope<MessageReceipt> | ErrorEnvelope;

const LANES = 4; // messages in flight at once
const PAUSE = 20; // ms at most between an ack and the lane's next message; shapes the load, nobody waits for it

/** Sends without end, and again under the same uuid until there is an ack. Remembers what was promised. */
export class AckedSender {
  readonly name: string;
  /** uuid → what was sent, once for each message whatever the tries */
  readonly sent = new Map<string, NewMessage>();
  /** uuid → its receipt */
  readonly acked = new Map<string, MessageReceipt>();
  /** lane → its acked uuids in order; each was sent after the ack of the one before */
  readonly lanes: string[][] = Array.from({ length: LANES }, () => []);
  readonly violations: string[] = [];
  retries = 0;
  readonly #socket: Socket;
  readonly #random: Random;
  readonly #rooms: readonly string[];
  #isStopping = false;

  constructor(name: string, url: string, rooms: readonly string[], random: Random) {
    this.name = name;
    this.#rooms = rooms;
    this.#random = random;
    this.#socket = io(url, {
      transports: [random.pick(["websocket", "polling"])],
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 100,
      timeout: 2_000,
    });
  }

  /** Runs until told to stop; resolves when nothing is in flight any more. */
  async run(): Promise<void> {
    await Promise.all(this.lanes.map((lane, index) => this.#runLane(lane, String(index))));
    this.close();
  }

  close(): void {
    this.#socket.disconnect();
  }

  stop(): void {
    this.#isStopping = true;
  }

  async #runLane(lane: string[], name: string): Promise<void> {
    for (let i = 0; !this.#isStopping; i += 1) {
      const message = this.#message(`${this.name}.${name}.${String(i)}`);
      const dice = this.#random.next();
      if (dice < 0.1) this.#sendUnacked(message);
      else if (await this.#deliver(message, dice < 0.2)) lane.push(message.uuid);
      await wait(this.#random.between(0, PAUSE));
    }
  }

  #message(uuid: string): NewMessage {
    const chatRoom = { label: "x", name: this.#random.pick(this.#rooms) };
    const length = this.#random.next() < 0.05 ? 4_000 : this.#random.between(1, 200);
    return { username: this.name, message: `${uuid} `.padEnd(length, "é"), uuid, chatRoom };
  }

  /** May arrive or not, but not twice. */
  #sendUnacked(message: NewMessage): void {
    if (!this.#socket.connected) return;
    this.sent.set(message.uuid, message);
    this.#socket.emit(EVENTS.newMessage, message);
  }

  /** True once acked; false when it was given up, which only those with little patience do. */
  async #deliver(message: NewMessage, isImpatient: boolean): Promise<boolean> {
    this.sent.set(message.uuid, message);
    for (;;) {
      await this.#connected();
      const tries = this.#random.next() < 0.1 ? 2 : 1; // two at once: one must find the other being stored
      const answers = await Promise.all(Array.from({ length: tries }, () => this.#try(message)));
      for (const answer of answers) if (answer !== undefined) this.#check(message, answer);
      if (this.acked.has(message.uuid)) return true;
      if (isImpatient) return false;
      this.retries += 1;
    }
  }

  #check({ uuid }: NewMessage, { data, error }: Answer): void {
    if (error !== null) {
      this.violations.push(`${uuid} was refused: ${String(error.status)} ${error.message}`);
      return;
    }
    const first = this.acked.get(uuid) ?? data;
    if (data.uuid !== uuid || data.offset !== first.offset || data.serverTimestamp !== first.serverTimestamp)
      this.violations.push(`${uuid} got two receipts: ${JSON.stringify([first, data])}`);
    this.acked.set(uuid, data);
  }

  /** Undefined when the connection ended before there was an answer. */
  #try(message: NewMessage): Promise<Answer | undefined> {
    const socket = this.#socket;
    return new Promise((resolve) => {
      const end = () => resolve(undefined);
      socket.once("disconnect", end);
      socket.emit(EVENTS.newMessage, message, (answer: Answer) => {
        socket.off("disconnect", end);
        resolve(answer);
      });
      if (!socket.connected) end();
    });
  }

  #connected(): Promise<void> {
    const socket = this.#socket;
    if (socket.connected) return Promise.resolve();
    return new Promise((resolve) => socket.once("connect", () => resolve()));
  }
}
