import { setTimeout as wait } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import { REFUSALS, type ErrorEnvelope } from "../../src/protocol/refusals";
import { EVENTS, type DataEnvelope, type MessageReceipt } from "../../src/protocol/events";
import type { NewMessage } from "../../src/protocol/payloads";
import type { Random } from "../support/random";

type Answer = DataEnvelope<MessageReceipt> | ErrorEnvelope;

const LANES = 4; // messages in flight at once
const PAUSE = 20; // ms at most between an ack and the lane's next message; shapes the load, nobody waits for it
const RECONNECT_PAUSE = [20, 100] as const; // ms
const RETRY_PAUSE = [20, 200] as const; // ms before a message goes again that could not be stored

/**
 * Sends without end, and again under the same uuid until there is an ack, each time it connects to any of the
 * given URLs. Remembers what was promised.
 */
export class RetryingSender {
  readonly name: string;
  /** uuid → what was sent, once for each message whatever the tries */
  readonly sent = new Map<string, NewMessage>();
  /** uuid → its receipt */
  readonly acked = new Map<string, MessageReceipt>();
  /** lane → its acked uuids in order; each was sent after the ack of the one before */
  readonly lanes: string[][] = Array.from({ length: LANES }, () => []);
  readonly violations: string[] = [];
  retries = 0;
  /** Answers that the message could not be stored. */
  refusals = 0;
  readonly #random: Random;
  readonly #urls: readonly string[];
  readonly #rooms: readonly string[];
  readonly #transports: string[];
  #socket: Socket;
  #waitingForConnect: (() => void)[] = [];
  #said = 0;
  #isStopping = false;
  #isClosed = false;

  constructor(name: string, urls: readonly string[], rooms: readonly string[], random: Random) {
    this.name = name;
    this.#urls = urls;
    this.#rooms = rooms;
    this.#random = random;
    this.#transports = [random.pick(["websocket", "polling"])];
    this.#socket = this.#open();
  }

  /** Runs until told to stop; resolves when nothing is in flight any more. */
  async run(): Promise<void> {
    await Promise.all(this.lanes.map((lane, index) => this.#runLane(lane, String(index))));
    this.close();
  }

  /** Sends one message; resolves with its uuid once it is acked. */
  async say(room: string): Promise<string> {
    this.#said += 1;
    const message = { ...this.#message(`${this.name}.said.${String(this.#said)}`), chatRoom: named(room) };
    await this.#deliver(message, false);
    return message.uuid;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.disconnect();
  }

  stop(): void {
    this.#isStopping = true;
  }

  #open(): Socket {
    const socket = io(this.#random.pick(this.#urls), {
      transports: this.#transports,
      forceNew: true,
      reconnection: false,
      timeout: 2_000,
    });
    const again = () => void this.#openAgain();
    socket.once("connect_error", again);
    socket.once("disconnect", again);
    socket.once("connect", () => {
      for (const resolve of this.#waitingForConnect.splice(0)) resolve();
    });
    return socket;
  }

  async #openAgain(): Promise<void> {
    await wait(this.#random.between(...RECONNECT_PAUSE));
    if (!this.#isClosed) this.#socket = this.#open();
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
    const chatRoom = named(this.#random.pick(this.#rooms));
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
      if (answers.some((answer) => answer !== undefined)) await wait(this.#random.between(...RETRY_PAUSE));
    }
  }

  #check({ uuid }: NewMessage, { data, error }: Answer): void {
    if (error !== null) {
      if (error.message === REFUSALS.messageNotStored.message) this.refusals += 1;
      else this.violations.push(`${uuid} was refused: ${String(error.status)} ${error.message}`);
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
    if (!socket.connected) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const end = () => resolve(undefined);
      socket.once("disconnect", end);
      socket.emit(EVENTS.newMessage, message, (answer: Answer) => {
        socket.off("disconnect", end);
        resolve(answer);
      });
    });
  }

  #connected(): Promise<void> {
    if (this.#socket.connected) return Promise.resolve();
    return new Promise((resolve) => this.#waitingForConnect.push(resolve));
  }
}

function named(room: string): NewMessage["chatRoom"] {
  return { label: "x", name: room };
}
