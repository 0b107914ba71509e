import { v4 as newUuid } from "uuid";
import { EVENTS, type HistoricalMessage, type MessageReceipt } from "../protocol/events";
import type { NewMessage } from "../protocol/payloads";
import type { RetryPolicy } from "./backoff";
import type { ChatClientError } from "./chatClientError";
import type { Ask } from "./serverConnection";
import { Lane } from "./lane";
import { roomNamed } from "./toChatRoom";

/**
 * Messages on their way to the server: each room has its lane, so rooms do not wait for each other, and one
 * message of a room is in flight at a time.
 *
 * More than one could not keep the order. The server takes a connection's events in order, so a lost
 * connection would do no harm (all is sent again from the first unanswered one, and idempotency drops what
 * was stored). But the first of two in flight may be refused, 429 as the rate limit's window ends or 503 as
 * the disk comes back, and the second stored: then no repetition brings them into order. A round trip per
 * message and room costs little where a connection may send 20 messages a second.
 */
export class Outbox {
  readonly #ask: Ask;
  readonly #retries: RetryPolicy;
  /** room → its lane, while it has messages */
  readonly #lanes = new Map<string, Lane<NewMessage, MessageReceipt>>();
  /** Rooms that wait although the client is online. */
  #held = new Set<string>();
  #isOnline = false;

  constructor(ask: Ask, retries: RetryPolicy) {
    this.#ask = ask;
    this.#retries = retries;
  }

  send(username: string, room: string, message: string, uuid = newUuid()): Promise<MessageReceipt> {
    const payload: NewMessage = { username, message, uuid, chatRoom: roomNamed(room) };
    const lane = this.#lanes.get(room) ?? this.#newLane(room);
    const receipt = new Promise<MessageReceipt>((resolve, reject) => {
      lane.push({ payload, resolve, reject });
    });
    return receipt.finally(() => {
      if (lane.isEmpty && this.#lanes.get(room) === lane) this.#lanes.delete(room);
    });
  }

  /** All rooms but the held ones send. */
  resume(held: Iterable<string>): void {
    this.#isOnline = true;
    this.#held = new Set(held);
    for (const [room, lane] of this.#lanes) if (!this.#held.has(room)) lane.open();
  }

  release(room: string): void {
    if (this.#held.delete(room) && this.#isOnline) this.#lanes.get(room)?.open();
  }

  pause(): void {
    this.#isOnline = false;
    for (const lane of this.#lanes.values()) lane.pause();
  }

  /**
   * A message was heard. If it is one of ours that nobody acked, it is stored: this holds even when the server
   * has forgotten its uuid by the time the client is back, which is when a repetition would be a second message.
   */
  heard({ username, chatRoom, uuid, serverTimestamp, offset }: HistoricalMessage): void {
    const isIt = (sent: NewMessage) => sent.uuid === uuid && sent.username === username;
    const receipt: MessageReceipt = { uuid, serverTimestamp, offset, duplicate: true };
    this.#lanes.get(chatRoom.name)?.learn(isIt, receipt);
  }

  close(error: ChatClientError): void {
    for (const lane of this.#lanes.values()) lane.close(error);
  }

  #newLane(room: string): Lane<NewMessage, MessageReceipt> {
    const ask = (message: NewMessage) => this.#ask<MessageReceipt>(EVENTS.newMessage, message);
    const lane = new Lane(ask, this.#retries);
    if (this.#isOnline && !this.#held.has(room)) lane.open();
    this.#lanes.set(room, lane);
    return lane;
  }
}
