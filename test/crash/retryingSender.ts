import { setTimeout as pause } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import { REFUSALS, type ErrorEnvelope } from "../../src/protocol/refusals";
import { EVENTS, type DataEnvelope, type MessageReceipt } from "../../src/protocol/events";
import type { NewMessage } from "../../src/protocol/payloads";
import type { Random } from "../support/random";

type Answer = DataEnvelope<MessageReceipt> | ErrorEnvelope;

const LANES = 4;
/** At most, between an ack and the lane's next message. It shapes the load; no check depends on it. */
const MAX_PAUSE_MS = 20;
const CONNECT_TIMEOUT_MS = 2_000;
const RECONNECT_PAUSE_MS = [20, 100] as const;
/** Before a message that was refused is sent again. */
const RETRY_PAUSE_MS = [20, 200] as const;

/**
 * Sends messages in several lanes, each message again under the same uuid until it is acked, and records the
 * receipts. Each connection goes to any of the given URLs.
 */
export class RetryingSender {
  readonly name: string;
  /** uuid → the message that was sent, however often */
  readonly sent = new Map<string, NewMessage>();
  /** uuid → its receipt */
  readonly acked = new Map<string, MessageReceipt>();
  /** lane → its acked uuids, in order: each message was sent after the ack of the one before */
  readonly lanes: string[][] = Array.from({ length: LANES }, () => []);
  readonly violations: string[] = [];
  retries = 0;
  /** How many answers said that the message could not be stored. */
  refusals = 0;
  readonly #random: Random;
  readonly #urls: readonly string[];
  readonly #rooms: readonly string[];
  readonly #transports: string[];
  #socket: Socket;
  #connectWaiters: (() => void)[] = [];
  #saidCount = 0;
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

  /** Sends until `stop` is called; resolves once no message is in flight. */
  async run(): Promise<void> {
    await Promise.all(this.lanes.map((lane, index) => this.#runLane(lane, String(index))));
    this.close();
  }

  /** Sends one message; resolves with its uuid once it is acked. */
  async say(room: string): Promise<string> {
    this.#saidCount += 1;
    const message = {
      ...this.#message(`${this.name}.said.${String(this.#saidCount)}`),
      chatRoom: named(room),
    };
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
      timeout: CONNECT_TIMEOUT_MS,
    });
    const reopen = () => void this.#reopen();
    socket.once("connect_error", reopen);
    socket.once("disconnect", reopen);
    socket.once("connect", () => {
      for (const resolve of this.#connectWaiters.splice(0)) resolve();
    });
    return socket;
  }

  async #reopen(): Promise<void> {
    await pause(this.#random.between(...RECONNECT_PAUSE_MS));
    if (!this.#isClosed) this.#socket = this.#open();
  }

  async #runLane(lane: string[], name: string): Promise<void> {
    for (let i = 0; !this.#isStopping; i += 1) {
      const message = this.#message(`${this.name}.${name}.${String(i)}`);
      const dice = this.#random.next();
      if (dice < 0.1) this.#sendUnacked(message);
      else if (await this.#deliver(message, dice < 0.2)) lane.push(message.uuid);
      await pause(this.#random.between(0, MAX_PAUSE_MS));
    }
  }

  #message(uuid: string): NewMessage {
    const chatRoom = named(this.#random.pick(this.#rooms));
    const length = this.#random.next() < 0.05 ? 4_000 : this.#random.between(1, 200);
    return { username: this.name, message: `${uuid} `.padEnd(length, "é"), uuid, chatRoom };
  }

  /** Sends without a callback: the message may be stored once or not at all. */
  #sendUnacked(message: NewMessage): void {
    if (!this.#socket.connected) return;
    this.sent.set(message.uuid, message);
    this.#socket.emit(EVENTS.newMessage, message);
  }

  /** Sends until there is an ack; with `givesUp` only once. True when acked. */
  async #deliver(message: NewMessage, givesUp: boolean): Promise<boolean> {
    this.sent.set(message.uuid, message);
    for (;;) {
      await this.#connected();
      const tries = this.#random.next() < 0.1 ? 2 : 1; // two at once, so that one arrives while the other is being stored
      const answers = await Promise.all(Array.from({ length: tries }, () => this.#try(message)));
      for (const answer of answers) if (answer !== undefined) this.#check(message, answer);
      if (this.acked.has(message.uuid)) return true;
      if (givesUp) return false;
      this.retries += 1;
      if (answers.some((answer) => answer !== undefined))
        await pause(this.#random.between(...RETRY_PAUSE_MS));
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

  /** Resolves with the answer, or with undefined when the connection ends before it. */
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
    return new Promise((resolve) => this.#connectWaiters.push(resolve));
  }
}

function named(room: string): NewMessage["chatRoom"] {
  return { label: "x", name: room };
}
