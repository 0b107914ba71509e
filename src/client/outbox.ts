import { v4 as newUuid } from "uuid";
import { EVENTS, type HistoricalMessage, type MessageReceipt } from "../protocol/events";
import type { NewMessage } from "../protocol/payloads";
import type { RetryPolicy } from "./backoff";
import type { ChatClientError } from "./chatClientError";
import { Lane } from "./lane";
import type { SendRequest } from "./serverConnection";
import { toChatRoom } from "./toChatRoom";

/**
 * Messages on their way to the server. Each room has a lane of its own, so rooms do not wait for each other, and one
 * message of a room is in flight at a time.
 *
 * More than one could not keep the order. A lost connection would do no harm: the server takes a connection's events in
 * order, everything is sent again from the first unanswered message, and idempotency drops what was stored. But the
 * first of two messages in flight may be refused (429 as the rate limit's window ends, 503 as the disk recovers) and the
 * second stored; no retry repairs that order. The cost is one round trip per message and room, which is small where a
 * connection may send 20 messages a second.
 */
export class Outbox {
  readonly #request: SendRequest;
  readonly #retries: RetryPolicy;
  /** room → its lane, while it has messages */
  readonly #lanes = new Map<string, Lane>();
  /** Rooms that wait although the client is online. */
  #held = new Set<string>();
  #isOnline = false;

  constructor(request: SendRequest, retries: RetryPolicy) {
    this.#request = request;
    this.#retries = retries;
  }

  send(username: string, room: string, message: string, uuid = newUuid()): Promise<MessageReceipt> {
    const lane = this.#lanes.get(room) ?? this.#newLane(room);
    return lane.push({ username, message, uuid, chatRoom: toChatRoom(room) }).finally(() => {
      if (lane.isEmpty && this.#lanes.get(room) === lane) this.#lanes.delete(room);
    });
  }

  /** Lets all rooms send, except the held ones. */
  resume(held: Iterable<string>): void {
    this.#isOnline = true;
    this.#held = new Set(held);
    for (const [room, lane] of this.#lanes) if (!this.#held.has(room)) lane.open();
  }

  /** Lets a held room send. */
  release(room: string): void {
    if (this.#held.delete(room) && this.#isOnline) this.#lanes.get(room)?.open();
  }

  pause(): void {
    this.#isOnline = false;
    for (const lane of this.#lanes.values()) lane.pause();
  }

  /**
   * A message was received. If it is one of ours without an ack, it is stored. This holds even when the server has
   * forgotten its uuid by the time the client is back; sending it again would then store it twice.
   */
  onMessage(message: HistoricalMessage): void {
    this.#lanes.get(message.chatRoom.name)?.acknowledge(message);
  }

  close(error: ChatClientError): void {
    for (const lane of this.#lanes.values()) lane.close(error);
  }

  #newLane(room: string): Lane {
    const send = (message: NewMessage) => this.#request<MessageReceipt>(EVENTS.newMessage, message);
    const lane = new Lane(send, this.#retries);
    if (this.#isOnline && !this.#held.has(room)) lane.open();
    this.#lanes.set(room, lane);
    return lane;
  }
}
