import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import type { Redis } from "ioredis";
import { errorText, type ClientEventLog } from "../../observability/logger";
import type { Metrics } from "../../observability/metrics";
import type { ChatMessage, MessageReceipt } from "../../protocol/events";
import { connectionTo, setupProblem, untilReady, type RedisSettings } from "../../redis/redisConnection";
import { StoreError, UnknownOffsetError, type Deliver, type MessageLog } from "../messageLog";
import type { Page, PageRequest } from "../messageLog";
import { newEpoch } from "../offset";
import { RedisAppends } from "./redisAppends";
import { RedisPages } from "./redisPages";
import { BLOCK_MS, checkReadable, follow } from "./redisReader";
import { RedisRoom } from "./redisRoom";
import { APPEND, OPEN, type OpenReply } from "./redisScripts";

export interface RedisMessageLogOptions {
  redis: RedisSettings;
  rooms: readonly string[]; // the names of all rooms
  maxMessages: number; // kept per room
  log: ClientEventLog;
  metrics: Metrics;
}

const OPEN_RETRY_DELAY_MS = 250;
const READER_TIMEOUT_MS = BLOCK_MS + 2_000; // longer than Redis may hold a read

/**
 * The log of several nodes, in Redis: one stream per room. Each node delivers from its own reader, also the messages
 * that it appended. So all nodes have the same order, and a node that lost Redis for a while catches up. While
 * Redis cannot store, no message is acked and none is delivered.
 */
export class RedisMessageLog implements MessageLog {
  readonly #log: ClientEventLog;
  readonly #metrics: Metrics;
  readonly #rooms: ReadonlyMap<string, RedisRoom>;
  readonly #commands: Redis;
  readonly #following: Redis;
  readonly #paging: Redis; // a connection of its own, so that long pages do not delay appends
  readonly #connections: readonly Redis[];
  readonly #appends: RedisAppends;
  readonly #pages: RedisPages;
  #deliver: Deliver = () => undefined;
  #onGap: () => void = () => undefined;
  #failure: string | undefined = "not open";
  #opening: Promise<void> | undefined;
  #connectionNumber = 0; // of the reader; a new connection may lead to a Redis that has lost data
  #openedFor = 0; // the connection number when the rooms were opened
  #running: Promise<void> | undefined;
  readonly #stopping = new AbortController();
  readonly #stopped = once(this.#stopping.signal, "abort");

  constructor({ redis, rooms, maxMessages, log, metrics }: RedisMessageLogOptions) {
    this.#log = log;
    this.#metrics = metrics;
    this.#rooms = new Map(rooms.map((name) => [name, new RedisRoom(name, redis.keyPrefix)]));
    this.#commands = connectionTo(redis, "chat-log");
    this.#following = connectionTo(redis, "chat-log-reader", READER_TIMEOUT_MS);
    this.#paging = connectionTo(redis, "chat-log-pages");
    this.#connections = [this.#commands, this.#following, this.#paging];
    const onFailure = (error: Error) => this.#onFailure(error);
    this.#appends = new RedisAppends({ redis: this.#commands, maxMessages, onFailure });
    this.#pages = new RedisPages(this.#paging, () => void this.#open());
    this.#following.on("ready", () => (this.#connectionNumber += 1));
    this.#commands.on("error", (error: Error) => this.#setFailure(error));
    this.#commands.on("close", () => {
      if (this.#failure === undefined) this.#onFailure(new Error("the connection is lost"));
    });
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  /** Waits for Redis without a time limit. Rejects with a StoreError only when `stop` is called meanwhile. */
  async start(deliver: Deliver, onGap: () => void = () => undefined): Promise<void> {
    this.#deliver = deliver;
    this.#onGap = onGap;
    const opened = this.#open();
    this.#running = this.#run();
    await opened;
    if (this.#isStopped) throw new StoreError("the log was stopped");
  }

  async append(message: ChatMessage, { idempotent }: { idempotent: boolean }): Promise<MessageReceipt> {
    if (this.#failure !== undefined) throw new StoreError(this.#failure);
    return this.#appends.add(this.#room(message.chatRoom.name), message, idempotent);
  }

  async read(name: string, request: PageRequest): Promise<Page> {
    const room = this.#room(name);
    if (this.#isStopped || room.epoch === "") throw new StoreError(this.#failure ?? "the log is closed");
    try {
      return await this.#pages.read(room, request);
    } catch (error) {
      if (error instanceof UnknownOffsetError) throw error;
      throw new StoreError((error as Error).message);
    }
  }

  head(name: string): string {
    const room = this.#room(name);
    return room.offsetOf(room.head);
  }

  distance(name: string, offset: string): number | undefined {
    return this.#room(name).distance(offset);
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#failure = "the log is closed";
    await this.#appends.settled();
    this.#stopping.abort();
    for (const redis of this.#connections) redis.disconnect();
    await this.#running;
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    const rooms = [...this.#rooms.values()];
    while (!this.#isStopped) {
      await this.#open();
      const openedFor = this.#openedFor;
      await follow(this.#following, rooms, {
        mayRead: () => this.#connectionNumber === openedFor,
        // With more appends pending than the reply has entries, some of this node follow in a later reply.
        deliver: (room, entry, count) => this.#deliver(room.stored(entry), this.#appends.count > count),
        onGap: (room) => this.#reportGap(room),
        onForeignEntry: (room, id) => {
          this.#metrics.foreignEntries.inc();
          this.#log.warn("skipped an entry of another program in Redis", { room: room.name, id });
        },
      }).catch((error: Error) => {
        this.#following.disconnect(!this.#isStopped);
        this.#onFailure(error);
      });
    }
  }

  /** Resolves once all rooms are open, or the log is stopped. Calls at the same time share one attempt. */
  #open(): Promise<void> {
    this.#opening ??= this.#retryOpen().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #retryOpen(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await Promise.race([Promise.all(this.#connections.map(untilReady)), this.#stopped]);
        if (this.#isStopped) return;
        this.#openedFor = this.#connectionNumber;
        await this.#openRooms();
        this.#log.info("message log open", {});
        this.#failure = undefined;
        return;
      } catch (error) {
        this.#setFailure(error as Error);
        await wait(OPEN_RETRY_DELAY_MS);
      }
    }
  }

  async #openRooms(): Promise<void> {
    const load = (script: string) => this.#commands.script("LOAD", script) as Promise<string>;
    const rooms = [...this.#rooms.values()];
    const isReadable = checkReadable(this.#commands, rooms);
    const [open, append] = await Promise.all([load(OPEN), load(APPEND), isReadable]);
    const pipeline = this.#commands.pipeline();
    for (const room of rooms)
      pipeline.evalsha(open, 2, room.keys.stream, room.keys.meta, newEpoch(), ...room.readerState());
    const replies = (await pipeline.exec()) ?? [];
    for (const [error] of replies) if (error !== null) throw error;
    for (const [index, room] of rooms.entries()) {
      const reply = replies[index]?.[1] as OpenReply;
      const [, , , , , hasMissed, timeMs] = reply;
      if (hasMissed === "1") this.#reportGap(room);
      room.open(reply);
      this.#appends.setScript(append, Number(timeMs));
    }
  }

  #onFailure(error: Error): void {
    if (this.#isStopped) return;
    this.#setFailure(error);
    void this.#open();
  }

  #setFailure(error: Error): void {
    if (this.#isStopped) return;
    const failure = describe(error);
    const reason = error.name === "MaxRetriesPerRequestError" ? "the connection is lost" : errorText(error);
    if (this.#failure !== failure) this.#log.warn(`message log failing: ${failure}`, { reason });
    this.#failure = failure;
  }

  #reportGap({ name }: RedisRoom): void {
    this.#metrics.logGaps.inc();
    this.#log.error("messages were removed from Redis before this node read them", { room: name });
    this.#onGap();
  }

  #room(name: string): RedisRoom {
    const room = this.#rooms.get(name);
    if (room === undefined) throw new Error(`no such room: ${name}`);
    return room;
  }
}

/** Returns a description that is safe to publish: no addresses, and nothing that Redis says about itself. */
function describe(error: Error): string {
  const problem = setupProblem(error);
  if (problem !== undefined) return problem;
  if (error.message === "Command timed out") return "Redis does not answer";
  return error.name === "ReplyError" ? "Redis refuses to store" : "Redis cannot be reached";
}
