import { setTimeout as wait } from "node:timers/promises";
import type { Redis } from "ioredis";
import { ClientEventLog, type Logger } from "../../observability/logger";
import type { Metrics } from "../../observability/metrics";
import type { ChatMessage, MessageReceipt } from "../../protocol/events";
import { connectionTo, untilReady, type RedisSettings } from "../../redis/redisConnection";
import {
  StoreError,
  UnknownOffsetError,
  type Deliver,
  type MessageLog,
  type Page,
  type PageRequest,
} from "../messageLog";
import { newEpoch } from "../offset";
import { RedisAppends } from "./redisAppends";
import { readPage } from "./redisPages";
import { BLOCK, RedisReader } from "./redisReader";
import { RedisRoom } from "./redisRoom";
import { APPEND, OPEN } from "./redisScripts";

export interface RedisMessageLogOptions {
  redis: RedisSettings;
  /** Names of all rooms. */
  rooms: readonly string[];
  /** Messages kept per room. */
  maxMessages: number;
  logger: Logger;
  metrics: Metrics;
}

const RETRY = 250; // ms between attempts to open a store that fails
const READER_TIMEOUT = BLOCK + 2_000; // ms; longer than any wait for news that Redis has been asked for

type OpenReply = [string, string, string, string, string, "0" | "1", string];

/**
 * The log of many processes, in Redis: one stream per room. Every node delivers from its own reader, also what
 * it wrote itself, so all have one order and one that lost Redis for a while catches up. While Redis cannot
 * store, nothing is acked and nothing is delivered.
 */
export class RedisMessageLog implements MessageLog {
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  readonly #rooms: ReadonlyMap<string, RedisRoom>;
  readonly #commands: Redis;
  readonly #following: Redis;
  readonly #pages: Redis; // apart, so that long pages do not hold up appends
  readonly #appends: RedisAppends;
  readonly #reader: RedisReader;
  #deliver: Deliver = () => undefined;
  #onGap: () => void = () => undefined;
  #failure: string | undefined = "not open";
  #opening: Promise<void> | undefined;
  #openedFor = 0; // the reader's connection that the rooms were opened for
  #running: Promise<void> | undefined;
  readonly #stopping = new AbortController();
  readonly #stopped = aborted(this.#stopping.signal);

  constructor({ redis, rooms, maxMessages, logger, metrics }: RedisMessageLogOptions) {
    this.#logger = logger;
    this.#metrics = metrics;
    this.#rooms = new Map(rooms.map((name) => [name, new RedisRoom(name, redis.keyPrefix)]));
    this.#commands = connectionTo(redis, { name: "chat-log" });
    this.#following = connectionTo(redis, { name: "chat-log-reader", replyTimeoutMs: READER_TIMEOUT });
    this.#pages = connectionTo(redis, { name: "chat-log-pages" });
    const log = new ClientEventLog(logger); // somebody may write many
    const onFailure = (error: Error) => this.#fail(error);
    this.#appends = new RedisAppends({ redis: this.#commands, maxMessages, onFailure });
    this.#reader = new RedisReader(this.#following, [...this.#rooms.values()], {
      deliver: (room, sequence, json, count) =>
        this.#deliver(
          { room: room.name, offset: room.offsetOf(sequence), json },
          this.#appends.count > count,
        ),
      onGap: (room) => this.#gap(room),
      onForeignEntry: (room, id) => {
        metrics.foreignEntries.inc();
        log.warn("foreign entry in the message log", { room: room.name, id });
      },
    });
    this.#commands.on("error", (error: Error) => this.#noteFailure(error));
    this.#commands.on("close", () => {
      if (this.#failure === undefined) this.#fail(new Error("the connection is lost"));
    });
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  /** Waits for Redis for as long as it takes; rejects only when the log is stopped before. */
  async start(deliver: Deliver, onGap: () => void = () => undefined): Promise<void> {
    this.#deliver = deliver;
    this.#onGap = onGap;
    const opened = this.#open();
    this.#running = this.#run();
    await opened;
    if (this.#isStopped) throw new StoreError("the log was stopped");
  }

  async append(message: ChatMessage, options: { idempotent: boolean }): Promise<MessageReceipt> {
    if (this.#failure !== undefined) throw new StoreError(this.#failure);
    return this.#appends.add(this.#room(message.chatRoom.name), message, options);
  }

  async read(room: string, request: PageRequest): Promise<Page> {
    const { epoch } = this.#room(room);
    if (this.#isStopped || epoch === "") throw new StoreError(this.#failure ?? "the log is closed");
    try {
      return await readPage(this.#pages, this.#room(room), request, () => this.#open());
    } catch (error) {
      if (error instanceof UnknownOffsetError) throw error;
      throw new StoreError((error as Error).message);
    }
  }

  head(name: string): string {
    const room = this.#room(name);
    return room.offsetOf(room.position);
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#failure = "the log is closed";
    await this.#appends.settled();
    this.#stopping.abort();
    for (const redis of this.#connections()) redis.disconnect();
    await this.#running;
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  #connections(): Redis[] {
    return [this.#commands, this.#following, this.#pages];
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#open();
      await this.#reader.follow(this.#openedFor).catch((error: Error) => {
        this.#following.disconnect(!this.#isStopped);
        this.#fail(error);
      });
    }
  }

  /** Tries until all rooms are open. */
  #open(): Promise<void> {
    this.#opening ??= this.#tryToOpen().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #tryToOpen(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await Promise.race([Promise.all(this.#connections().map(untilReady)), this.#stopped]);
        if (this.#isStopped) return;
        this.#openedFor = this.#reader.connectionNumber;
        await this.#openRooms();
        this.#logger.info("message log open");
        this.#failure = undefined;
        return;
      } catch (error) {
        this.#noteFailure(error as Error);
        await wait(RETRY);
      }
    }
  }

  async #openRooms(): Promise<void> {
    const [open, append] = (await Promise.all(
      [OPEN, APPEND].map((script) => this.#commands.script("LOAD", script)),
    )) as [string, string];
    const rooms = [...this.#rooms.values()];
    const pipeline = this.#commands.pipeline();
    for (const { keys, epoch, position, digest } of rooms.map(knowledge)) {
      pipeline.evalsha(open, 2, keys.stream, keys.meta, newEpoch(), epoch, position, digest);
    }
    const replies = (await pipeline.exec()) ?? [];
    for (const [error] of replies) if (error !== null) throw error;
    for (const [index, room] of rooms.entries()) {
      const [epoch, last, from, to, digest, missed, time] = replies[index]?.[1] as OpenReply;
      const seam = { from: Number(from), to: Number(to) };
      const hasMissed = missed === "1" && room.epoch !== "";
      if (hasMissed) this.#gap(room);
      room.open({ epoch, last: Number(last), seam, digest, hasMissed });
      this.#appends.opened(append, Number(time));
    }
  }

  #fail(error: Error): void {
    if (this.#isStopped) return;
    this.#noteFailure(error);
    void this.#open();
  }

  #noteFailure(error: Error): void {
    if (this.#isStopped) return;
    const failure = describe(error);
    const reason = error.name === "MaxRetriesPerRequestError" ? "the connection is lost" : error.message;
    if (this.#failure !== failure) this.#logger.warn({ reason }, `message log failing: ${failure}`);
    this.#failure = failure;
  }

  #gap({ name }: RedisRoom): void {
    this.#metrics.logGaps.inc();
    this.#logger.error({ room: name }, "messages were removed from Redis before this node read them");
    this.#onGap();
  }

  #room(name: string): RedisRoom {
    const room = this.#rooms.get(name);
    if (room === undefined) throw new Error(`no such room: ${name}`);
    return room;
  }
}

function knowledge(room: RedisRoom): Pick<RedisRoom, "keys" | "epoch" | "position"> & { digest: string } {
  const { keys, epoch, position } = room;
  return { keys, epoch, position, digest: room.digest() };
}

function isTimeout({ message }: Error): boolean {
  return message === "Command timed out";
}

/** In words that may be shown to anybody: neither addresses nor what Redis says of itself. */
function describe(error: Error): string {
  if (isTimeout(error)) return "Redis does not answer";
  return error.name === "ReplyError" ? "Redis refuses to store" : "Redis cannot be reached";
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
