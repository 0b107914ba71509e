import type { Agent } from "node:http";
import { io as io4, type Socket as Socket4 } from "socket.io-client";
import io2 from "socket.io-client-v2";
import { v4 as uuid } from "uuid";
import { ChatClient, type SocketSettings } from "../../src/client/chatClient";
import { EVENTS } from "../../src/protocol/events";
import type { NewMessage, NewPresenceInformation } from "../../src/protocol/payloads";
import { afterThisTest } from "./disposal";

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
  /** Of a `localAddress`: the client's address, any of 127.0.0.0/8. */
  agent?: Agent;
}

/** Every combination of client and transport in the field, for `describe.each`. */
export const CLIENTS: { name: string; options: TestClientOptions }[] = [
  { name: "client 4.8 over websocket", options: { generation: "4.8", transports: ["websocket"] } },
  { name: "client 4.8 over polling", options: { generation: "4.8", transports: ["polling"] } },
  { name: "client 2.x over websocket", options: { generation: "2.x", transports: ["websocket"] } },
  { name: "client 2.x over polling", options: { generation: "2.x", transports: ["polling"] } },
];

export const COOKING = { label: "Cooking", name: "/cooking" };

interface Waiter {
  event: string;
  count: number;
  resolve: (received: unknown[][]) => void;
}

const DEADLINE = 10_000; // ms; only a failing test gets there

/**
 * A ChatClient at the level of the wire: it connects as one, but asks for nothing unless told to, sends what a
 * test says, and keeps every event from its first moment until a test asks for it.
 */
export class TestClient extends ChatClient {
  /** event → the arguments of each arrival not yet asked for */
  readonly #queues = new Map<string, unknown[][]>();
  readonly #waiters: Waiter[] = [];

  private constructor(url: string, { generation = "4.8", ...options }: TestClientOptions) {
    const socketOptions: unknown = { transports: ["websocket"], reconnection: false, ...options };
    super(url, {
      socketOptions: socketOptions as SocketSettings, // whose `agent` is no Agent, though it is one in Node
      connector: generation === "4.8" ? io4 : ioGeneration2,
    });
  }

  /** Resolves once connected; rejects with the server's refusal. */
  static async connect(url: string, options: TestClientOptions = {}): Promise<TestClient> {
    const client = TestClient.open(url, options);
    await new Promise<void>((resolve, reject) => {
      client.socket.once("connect", resolve);
      client.socket.once("connect_error", reject);
      client.socket.once("error", reject); // what generation 2 calls a refusal
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

  override get socket(): Socket4 {
    return super.socket;
  }

  /** Sends a valid message, changed by `overrides`; returns what was sent. */
  sendMessage(overrides: Partial<NewMessage> = {}): NewMessage {
    const message = { username: "ana", message: "hello", uuid: uuid(), chatRoom: COOKING, ...overrides };
    this.socket.emit(EVENTS.newMessage, message);
    return message;
  }

  /** As `sendMessage`. */
  override announcePresence(overrides: Partial<NewPresenceInformation> = {}): NewPresenceInformation {
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

  /** The first argument of the next `count` arrivals of the event; takes them off the queue. */
  async waitFor<T = unknown>(event: string, count = 1): Promise<T[]> {
    const arrivals = await this.waitForArguments(event, count);
    return arrivals.map((args) => args[0] as T);
  }

  /** As `waitFor`, with all arguments of each arrival. */
  waitForArguments(event: string, count = 1): Promise<unknown[][]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const seen = [...this.#queues].map(([name, queue]) => `${name} × ${String(queue.length)}`).join(", ");
        reject(new Error(`waited in vain for ${event} × ${String(count)}; queued: ${seen || "nothing"}`));
      }, DEADLINE);
      const settle = (received: unknown[][]) => {
        clearTimeout(timer);
        resolve(received);
      };
      this.#waiters.push({ event, count, resolve: settle });
      this.#serve();
    });
  }

  /** Arrivals of the event that nobody has asked for. */
  queued<T = unknown>(event: string): T[] {
    return (this.#queues.get(event) ?? []).map((args) => args[0] as T);
  }

  /** Names of all events that arrived and nobody has asked for. */
  queuedEvents(): string[] {
    return [...this.#queues].filter(([, queue]) => queue.length > 0).map(([event]) => event);
  }

  /** Resolves with the reason once the connection is gone. */
  disconnected(): Promise<string> {
    return new Promise((resolve) => {
      if (this.socket.disconnected) resolve("already disconnected");
      else this.socket.once("disconnect", (reason) => resolve(reason));
    });
  }

  disconnect(): void {
    this.close();
  }

  /** A base client, but for the `auth` that a test passes. */
  protected override handshakeAuth(): undefined {
    return undefined;
  }

  /** Only kept: what a ChatClient would do with it is not the test's wish. */
  protected override received(event: string, args: readonly unknown[]): void {
    const queue = this.#queues.get(event) ?? [];
    this.#queues.set(event, queue);
    queue.push([...args]);
    this.#serve();
  }

  #serve(): void {
    for (const waiter of [...this.#waiters]) {
      const queue = this.#queues.get(waiter.event) ?? [];
      if (queue.length < waiter.count) continue;
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.resolve(queue.splice(0, waiter.count));
    }
  }
}

/** A socket of generation 2 with the `onAny` it lacks: every event packet passes through `onevent`. */
function ioGeneration2(url: string, settings: SocketSettings): Socket4 {
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
