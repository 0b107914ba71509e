import type { Agent } from "node:http";
import { io as io4, type ManagerOptions, type Socket as Socket4, type SocketOptions } from "socket.io-client";
import io2 from "socket.io-client-v2";
import { v4 as uuid } from "uuid";
import { EVENTS } from "../../src/protocol/events";
import type { NewMessage, NewPresenceInformation } from "../../src/protocol/payloads";
import { afterThisTest } from "./disposal";
import { COOKING } from "./rooms";

export type Generation = "4.8" | "2.x";
export type Transport = "websocket" | "polling";

export interface TestClientOptions {
  generation?: Generation;
  /** Default: websocket alone. `["polling", "websocket"]` is what a browser does: poll first, then upgrade. */
  transports?: Transport[];
  auth?: Record<string, unknown>;
  extraHeaders?: Record<string, string>;
  /** Default: false. */
  reconnection?: boolean;
  /** Its `localAddress` sets the client's address, any of 127.0.0.0/8. */
  agent?: Agent;
}

/** Every combination of client generation and transport, for `describe.each`. */
export const CLIENTS: { name: string; options: TestClientOptions }[] = [
  { name: "client 4.8 over websocket", options: { generation: "4.8", transports: ["websocket"] } },
  { name: "client 4.8 over polling", options: { generation: "4.8", transports: ["polling"] } },
  { name: "client 2.x over websocket", options: { generation: "2.x", transports: ["websocket"] } },
  { name: "client 2.x over polling", options: { generation: "2.x", transports: ["polling"] } },
];

interface Waiter {
  event: string;
  count: number;
  resolve: (received: unknown[][]) => void;
}

const DEADLINE_MS = 10_000; // only a failing test reaches it

/**
 * A plain Socket.IO client of either generation. It sends only what a test makes it send, and queues every event from the
 * first moment of its connection until the test takes it.
 */
export class TestClient {
  readonly socket: Socket4;
  /** event → the arguments of each arrival that is still queued */
  readonly #queues = new Map<string, unknown[][]>();
  readonly #waiters: Waiter[] = [];

  private constructor(url: string, { generation = "4.8", ...options }: TestClientOptions) {
    const settings = {
      transports: ["websocket"],
      reconnection: false,
      ...options,
      forceNew: true, // the service takes one socket per connection
      autoConnect: false,
    } as Partial<ManagerOptions & SocketOptions>; // whose type of `agent` is that of browsers
    this.socket = generation === "4.8" ? io4(url, settings) : ioGeneration2(url, settings);
    this.socket.onAny((event: string, ...args: unknown[]) => this.#onEvent(event, args));
  }

  /** Resolves once connected; rejects with the server's refusal. */
  static async connect(url: string, options: TestClientOptions = {}): Promise<TestClient> {
    const client = TestClient.open(url, options);
    await new Promise<void>((resolve, reject) => {
      client.socket.once("connect", resolve);
      client.socket.once("connect_error", reject);
      client.socket.once("error", reject); // generation 2 reports a refusal so
    });
    return client;
  }

  /** Begins to connect. */
  static open(url: string, options: TestClientOptions = {}): TestClient {
    const client = new TestClient(url, options);
    client.connect();
    afterThisTest(() => client.disconnect());
    return client;
  }

  /** Sends a valid message, changed by `overrides`; returns what was sent. */
  sendMessage(overrides: Partial<NewMessage> = {}): NewMessage {
    const message = { username: "ana", message: "hello", uuid: uuid(), chatRoom: COOKING, ...overrides };
    this.socket.emit(EVENTS.newMessage, message);
    return message;
  }

  /** Sends a valid presence, changed by `overrides`; returns what was sent. */
  announcePresence(overrides: Partial<NewPresenceInformation> = {}): NewPresenceInformation {
    const presence = { username: "ana", avatar: "image link", currentRoom: COOKING, ...overrides };
    this.socket.emit(EVENTS.newPresenceInformation, presence);
    return presence;
  }

  /** Sends anything with a callback and resolves with the arguments of the answer. */
  ask(event: string, ...args: unknown[]): Promise<unknown[]> {
    return new Promise((resolve) => {
      this.socket.emit(event, ...args, (...answer: unknown[]) => resolve(answer));
    });
  }

  /** Takes the next `count` arrivals of the event off the queue; resolves with the first argument of each. */
  async waitFor<T = unknown>(event: string, count = 1): Promise<T[]> {
    const arrivals = await this.waitForArguments(event, count);
    return arrivals.map((args) => args[0] as T);
  }

  /** As `waitFor`, but resolves with all arguments of each arrival. */
  waitForArguments(event: string, count = 1): Promise<unknown[][]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const seen = [...this.#queues].map(([name, queue]) => `${name} × ${String(queue.length)}`).join(", ");
        reject(new Error(`waited in vain for ${event} × ${String(count)}; queued: ${seen || "nothing"}`));
      }, DEADLINE_MS);
      const settle = (received: unknown[][]) => {
        clearTimeout(timer);
        resolve(received);
      };
      this.#waiters.push({ event, count, resolve: settle });
      this.#resolveWaiters();
    });
  }

  /** Returns the arrivals of the event that are still queued. */
  queued<T = unknown>(event: string): T[] {
    return (this.#queues.get(event) ?? []).map((args) => args[0] as T);
  }

  /** Returns the names of the events that have arrivals in their queues. */
  queuedEvents(): string[] {
    return [...this.#queues].filter(([, queue]) => queue.length > 0).map(([event]) => event);
  }

  /** Resolves with the reason when the connection has ended. */
  disconnected(): Promise<string> {
    return new Promise((resolve) => {
      if (this.socket.disconnected) resolve("already disconnected");
      else this.socket.once("disconnect", (reason) => resolve(reason));
    });
  }

  /** Connects again after a lost connection. */
  connect(): void {
    this.socket.connect();
  }

  disconnect(): void {
    this.socket.disconnect();
  }

  #onEvent(event: string, args: unknown[]): void {
    const queue = this.#queues.get(event) ?? [];
    this.#queues.set(event, queue);
    queue.push(args);
    this.#resolveWaiters();
  }

  #resolveWaiters(): void {
    for (const waiter of [...this.#waiters]) {
      const queue = this.#queues.get(waiter.event) ?? [];
      if (queue.length < waiter.count) continue;
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.resolve(queue.splice(0, waiter.count));
    }
  }
}

/** Adds `onAny`, which generation 2 lacks: every event packet passes through `onevent`. */
function ioGeneration2(url: string, settings: object): Socket4 {
  const socket = io2(url, settings) as Socket4;
  const internal = socket as unknown as { onevent: (packet: { data: unknown[] }) => void };
  socket.onAny = (listener: (event: string, ...args: unknown[]) => void) => {
    const original = internal.onevent.bind(socket);
    internal.onevent = (packet) => {
      const [event, ...args] = packet.data;
      original(packet);
      listener(String(event), ...args);
    };
    return socket;
  };
  return socket;
}
