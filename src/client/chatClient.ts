import type { Socket } from "socket.io-client";
import {
  EVENTS,
  type HistoricalMessage,
  type HistoryPage,
  type MessageReceipt,
  type Resumed,
} from "../protocol/events";
import type { HandshakeAuth, NewTypingInformation } from "../protocol/payloads";
import { CatchUp } from "./catchUp";
import { ChatClientError } from "./chatClientError";
import { Connection, type Ask, type ConnectionHandlers } from "./serverConnection";
import { Emitter } from "./emitter";
import { History, type FetchLike, type HistoryRequest } from "./historyReader";
import { Inbox } from "./inbox";
import { Outbox } from "./outbox";
import { Presence } from "./presenceAnnouncer";
import { PresenceList } from "./presenceList";
import { roomNamed } from "./toChatRoom";
import { dispatch, type ServerEventHandlers } from "./serverEvents";
import type { ChatClientEvents, ChatClientOptions, ChatState, ChatStatus, SendOptions } from "./types";

export { ChatClientError } from "./chatClientError";
export type * from "./types";

const UNAUTHORIZED = 401;

/**
 * A chat client for browsers and Node that loses nothing: it comes back after a lost connection, a restart or a
 * crash of the server, sends again what is unanswered, and shows what it missed, each message once and in its
 * room's order. Nothing happens before `connect()`; a closed client stays closed. Rooms go by name: `/cooking`.
 */
export class ChatClient extends Emitter<ChatClientEvents> {
  readonly #connection: Connection;
  readonly #history: History;
  readonly #inbox = new Inbox((message) => this.#onShown(message));
  readonly #catchUp: CatchUp;
  readonly #outbox: Outbox;
  readonly #presence: Presence;
  readonly #present = new PresenceList();
  readonly #serverEvents: ServerEventHandlers = {
    onMessage: (room, message) => this.#inbox.receive(room, message),
    onResumed: (resumed) => this.#onResumed(resumed),
    onPresenceState: (state) => this.#onPresent(() => this.#present.reset(state)),
    onPresenceDiff: (diff) => this.#onPresent(() => this.#present.apply(diff)),
    onTyping: (typing) => this.emit("typing", typing),
    onRefusal: (refusal) => {
      this.#presence.refused(refusal);
      this.#onError(refusal);
    },
  };
  #username: string | undefined;
  #state: ChatState = "offline";

  /** `url`: the service's origin, e.g. `https://chat.example.com`. */
  constructor(url: string, options: ChatClientOptions = {}) {
    super();
    const { username, requestTimeout = 10_000, retryDelay = 200, maxRetryDelay = 10_000 } = options;
    const backoff = { first: retryDelay, max: maxRetryDelay };
    // The next connection comes with another token, where there is a way to one.
    const mayPass = ({ isTransient, status }: ChatClientError) =>
      isTransient || (status === UNAUTHORIZED && options.auth !== undefined);
    const retries = { ...backoff, mayPass };
    const { fetch = (...args: Parameters<FetchLike>) => globalThis.fetch(...args) } = options;
    const request: Ask = (event, payload) => this.#connection.request(event, payload);
    const onError = (error: ChatClientError) => this.#onError(error);
    const onRoomReady = (room: string) => this.#onRoomReady(room);
    this.#username = username;
    this.#history = new History({ url, fetch, timeout: requestTimeout, auth: options.auth });
    const [inbox, history] = [this.#inbox, this.#history];
    this.#catchUp = new CatchUp({ inbox, history, retries, onRoomReady, onError });
    this.#outbox = new Outbox(request, retries);
    const announce = (presence: object) => this.socket.emit(EVENTS.newPresenceInformation, presence);
    this.#presence = new Presence(announce, backoff);
    this.#connection = new Connection(url, options, { requestTimeout, retries }, this.#handlers());
  }

  /** Begins to connect, and again after a refused handshake. Throws a ChatClientError when closed. */
  connect(): void {
    if (this.#state === "closed") throw closedError();
    this.#connection.connect();
  }

  /** Rejects what is unanswered, with status 0: of those messages the first of each room may have been stored. */
  close(): void {
    if (this.#state === "closed") return;
    this.#setState("closed");
    this.#catchUp.reset();
    this.#connection.close();
    this.#outbox.close(closedError());
    this.#presence.close();
  }

  get status(): ChatStatus {
    return { state: this.#state, ...this.#catchUp.progress };
  }

  get username(): string | undefined {
    return this.#username;
  }

  /** Holds for what is sent from now on; presence already announced is announced again. */
  set username(username: string) {
    this.#username = username;
    this.#presence.rename(username);
  }

  /**
   * Resolves once the message is stored. Until it is answered it is sent again, under the same uuid: after a lost
   * connection, without an answer in time, when there are too many requests, while the server fails, when the token
   * has run out and `auth` gets another. So it may
   * wait as long as the client is offline. Any other refusal (403, 404, 409) rejects with its ChatClientError.
   *
   * - Order: messages of one room are stored in the order of the calls, whatever fails in between; a refused one
   *   is left out. They go one at a time, rooms side by side. Between rooms there is no order.
   * - Once: a message is stored once. This rests on the server's memory of uuids (10 minutes, the latest 200,000
   *   acked messages) and after a longer break on the replay, which shows what had been stored; only where that
   *   is not whole (see `status.incomplete`), an unanswered message can be stored twice.
   */
  async send(room: string, message: string, { uuid }: SendOptions = {}): Promise<MessageReceipt> {
    if (this.#state === "closed") throw closedError();
    return this.#outbox.send(this.#requireUsername(), room, message, uuid);
  }

  /** Tells everybody where the client is, once online and after each reconnect. A refusal comes as `error` event. */
  announcePresence({ avatar, room }: { avatar: string; room: string }): void {
    this.#presence.announce({ username: this.#requireUsername(), avatar, currentRoom: roomNamed(room) });
  }

  /** Best effort: dropped while offline. */
  setTyping(room: string, isTyping: boolean): void {
    const username = this.#requireUsername();
    const typing: NewTypingInformation = { username, chatRoom: roomNamed(room), isTyping };
    // Not volatile: that would drop the second of two events in one turn, and leave somebody typing for ever.
    if (this.#state === "online") this.socket.emit(EVENTS.newTypingInformation, typing);
  }

  /** A page of what was said; rejects with a ChatClientError, status 0 when there is no readable answer. */
  async history(room: string, request: HistoryRequest = {}): Promise<HistoryPage> {
    const page = await this.#history.page(room, request);
    // While messages are being missed a page may lie beyond the gap, and must not end the search for its end.
    if (this.#state === "online" && !this.status.recovering.includes(room))
      this.#inbox.wasRead(room, page.messages);
    return page;
  }

  protected get socket(): Socket {
    return this.#connection.socket;
  }

  /** What the handshake asks for: everything, from where this client is. */
  protected handshakeAuth(): HandshakeAuth | undefined {
    return { resume: this.#inbox.offsets(), typing: true, presence: "diff" };
  }

  /** Every event of the server passes through here. */
  protected received(event: string, args: readonly unknown[]): void {
    dispatch(event, args, this.#serverEvents);
  }

  #handlers(): ConnectionHandlers {
    return {
      auth: () => this.handshakeAuth(),
      onConnecting: () => this.#setState("connecting"),
      onConnected: () => this.#catchUp.reset(),
      onEvent: (event, args) => this.received(event, args),
      onLost: () => {
        this.#outbox.pause();
        this.#presence.pause();
        this.#catchUp.reset();
        this.#setState("offline");
      },
      onError: (error) => {
        this.#setState("offline");
        this.#onError(error);
      },
    };
  }

  /** Rooms whose history is being read send later: it may show that what is unanswered had been stored. */
  #onResumed(resumed: Resumed): void {
    this.#connection.isGood();
    this.#catchUp.resumed(resumed);
    this.#outbox.resume(this.#catchUp.progress.recovering);
    this.#presence.resume();
    this.#setState("online");
  }

  #onRoomReady(room: string): void {
    this.#outbox.release(room);
    this.emit("status", this.status);
  }

  #onPresent(update: () => void): void {
    update();
    this.emit("presence", this.#present.merged());
  }

  #onShown(message: HistoricalMessage): void {
    if (this.#state === "closed") return;
    this.#outbox.heard(message);
    this.emit("message", message);
  }

  #onError(error: ChatClientError): void {
    if (this.#state !== "closed") this.emit("error", error);
  }

  #setState(state: ChatState): void {
    if (this.#state === state || this.#state === "closed") return;
    this.#state = state;
    this.emit("status", this.status);
  }

  #requireUsername(): string {
    if (this.#username === undefined) throw new ChatClientError("Username is not set");
    return this.#username;
  }
}

function closedError(): ChatClientError {
  return new ChatClientError("Client is closed");
}
