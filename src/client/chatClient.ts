import type { HistoryPage } from "../protocol/answers";
import { EVENTS, type HistoricalMessage, type MessageReceipt, type Resumed } from "../protocol/events";
import type { HandshakeAuth, NewTypingInformation } from "../protocol/payloads";
import { CatchUp } from "./catchUp";
import { ChatClientError } from "./chatClientError";
import { Emitter } from "./emitter";
import { HistoryReader } from "./historyReader";
import { Inbox } from "./inbox";
import { Outbox } from "./outbox";
import { PresenceAnnouncer } from "./presenceAnnouncer";
import { PresenceList } from "./presenceList";
import { ServerConnection, type SendRequest, type ServerConnectionHandlers } from "./serverConnection";
import { dispatch, type ServerEventHandlers } from "./serverEvents";
import { toChatRoom } from "./toChatRoom";
import type {
  ChatClientEvents,
  ChatClientOptions,
  ChatState,
  ChatStatus,
  FetchLike,
  HistoryRequest,
  SendOptions,
} from "./types";

export { ChatClientError } from "./chatClientError";
export type * from "./types";

const UNAUTHORIZED = 401;

/**
 * A chat client for browsers and Node that loses nothing. It reconnects after a lost connection and after a restart or
 * crash of the server, sends unanswered messages again, and shows missed messages, each once and in its room's order.
 * It does nothing before `connect()`, and a closed client stays closed. Rooms are given by name, e.g. `/cooking`.
 *
 * @example
 * const client = new ChatClient("https://chat.example.com", { username: "ana" });
 * client.on("message", ({ username, message }) => console.log(`${username}: ${message}`));
 * client.on("error", ({ status, message }) => console.error(status, message));
 * client.connect();
 * client.announcePresence({ avatar: "", room: "/cooking" });
 * const { offset } = await client.send("/cooking", "hello");
 */
export class ChatClient extends Emitter<ChatClientEvents> {
  readonly #connection: ServerConnection;
  readonly #history: HistoryReader;
  readonly #inbox = new Inbox((message) => this.#onShown(message));
  readonly #catchUp: CatchUp;
  readonly #outbox: Outbox;
  readonly #announcer: PresenceAnnouncer;
  readonly #presence = new PresenceList();
  readonly #serverEvents: ServerEventHandlers = {
    onMessage: (room, message) => this.#inbox.receive(room, message),
    onResumed: (resumed) => this.#onResumed(resumed),
    onPresenceState: (state) => this.#onPresence(() => this.#presence.reset(state)),
    onPresenceDiff: (diff) => this.#onPresence(() => this.#presence.apply(diff)),
    onTyping: (typing) => this.emit("typing", typing),
    onRefusal: (refusal) => {
      this.#announcer.onRefusal(refusal);
      this.#onError(refusal);
    },
  };
  #username: string | undefined;
  #state: ChatState = "offline";

  /** `url` is the service's origin, e.g. `https://chat.example.com`. */
  constructor(url: string, options: ChatClientOptions = {}) {
    super();
    const { username, requestTimeout = 10_000, retryDelay = 200, maxRetryDelay = 10_000 } = options;
    const { auth: getToken, socketOptions } = options;
    // A refused token is worth another try only if `auth` can return a new one.
    const isRetryable = ({ isTransient, status }: ChatClientError) =>
      isTransient || (status === UNAUTHORIZED && getToken !== undefined);
    const retries = { firstMs: retryDelay, maxMs: maxRetryDelay, isRetryable };
    const fetch: FetchLike = options.fetch ?? ((...args) => globalThis.fetch(...args));
    const request: SendRequest = (event, payload) => this.#connection.request(event, payload);
    this.#username = username;
    this.#history = new HistoryReader({ url, fetch, timeoutMs: requestTimeout, getToken });
    this.#catchUp = new CatchUp({
      inbox: this.#inbox,
      history: this.#history,
      retries,
      onRoomReady: (room) => this.#onRoomReady(room),
      onError: (error) => this.#onError(error),
    });
    this.#outbox = new Outbox(request, retries);
    this.#announcer = new PresenceAnnouncer(
      (presence) => this.#connection.emit(EVENTS.newPresenceInformation, presence),
      retries,
    );
    this.#connection = new ServerConnection(
      { url, requestTimeoutMs: requestTimeout, retries, getToken, socketOptions },
      this.#connectionHandlers(),
    );
  }

  /**
   * Begins to connect. Needed again only after a refused handshake, see `ChatState`. Throws a ChatClientError with the
   * message `Client is closed` after `close()`.
   */
  connect(): void {
    if (this.#state === "closed") throw closedError();
    this.#connection.connect();
  }

  /**
   * Disconnects for good. Unanswered messages are rejected with status 0; the first of each room may have been stored.
   */
  close(): void {
    if (this.#state === "closed") return;
    this.#setState("closed");
    this.#connection.close(); // calls onLost if there was a connection
    this.#outbox.close(closedError());
  }

  get status(): ChatStatus {
    return { state: this.#state, ...this.#catchUp.progress };
  }

  get username(): string | undefined {
    return this.#username;
  }

  /** Applies to everything sent from now on. A presence that was announced is announced again. */
  set username(username: string) {
    this.#username = username;
    this.#announcer.rename(username);
  }

  /**
   * Sends a message of 1–4,000 code points and resolves when it is stored. Until it is answered, it is sent again under
   * the same uuid: after a lost connection, when no answer comes within `requestTimeout`, after 429 and 5xx, and after
   * 401 if `auth` is set. So the promise may wait as long as the client is offline.
   *
   * Rejects with a ChatClientError:
   * - any other refusal of the server: 403, 404 (the message is not valid, or the room does not exist), 409 (the uuid was
   *   used for another text)
   * - status 0, `Username is not set` or `Client is closed`
   *
   * Order: messages of one room are stored in the order of the calls, also after failures; a refused one is left out.
   * Rooms do not wait for each other, so there is no order between rooms.
   *
   * Once: a message is stored once. The server remembers uuids for 10 minutes (the latest 200,000 acked messages); after
   * a longer break, the replay shows what had been stored. Only where that is incomplete (see `status.incomplete`), an
   * unanswered message can be stored twice.
   */
  async send(room: string, message: string, { uuid }: SendOptions = {}): Promise<MessageReceipt> {
    if (this.#state === "closed") throw closedError();
    return this.#outbox.send(this.#requireUsername(), room, message, uuid);
  }

  /**
   * Announces the room that the user is in, and an avatar of at most 2,048 characters: as soon as the client is online,
   * and again after each reconnect. A refusal comes as `error` event. Throws a ChatClientError if no username is set.
   */
  announcePresence({ avatar, room }: { avatar: string; room: string }): void {
    this.#announcer.announce({ username: this.#requireUsername(), avatar, currentRoom: toChatRoom(room) });
  }

  /**
   * Notifies the other clients that the user is typing, or has stopped. Best effort: dropped while offline; a refusal
   * comes as `error` event. Throws a ChatClientError if no username is set.
   */
  setTyping(room: string, isTyping: boolean): void {
    const typing: NewTypingInformation = {
      username: this.#requireUsername(),
      chatRoom: toChatRoom(room),
      isTyping,
    };
    // Not volatile: that would drop the second of two events in one turn, and the user would seem to type for ever.
    if (this.#state === "online") this.#connection.emit(EVENTS.newTypingInformation, typing);
  }

  /**
   * Reads a page of a room's history, by default its newest 50 messages; also works without a connection. Messages are
   * oldest first; `before` and `after` are the offsets to pass for the neighbouring pages, `null` where there is none.
   *
   * Rejects with a ChatClientError: the refusal (400 for a bad limit or offset, 401, 403, 404, 429), or status 0 when no
   * readable answer comes within `requestTimeout`. It does not retry.
   *
   * @example
   * const newest = await client.history("/cooking", { limit: 100 });
   * if (newest.before !== null) await client.history("/cooking", { before: newest.before });
   */
  async history(room: string, request: HistoryRequest = {}): Promise<HistoryPage> {
    const page = await this.#history.readPage(room, request);
    // Do not mark this page as known while the room is catching up: catch-up stops at the first known message, and this
    // page may lie beyond the gap.
    if (this.#state === "online" && !this.status.recovering.includes(room))
      this.#inbox.markRead(room, page.messages);
    return page;
  }

  #connectionHandlers(): ServerConnectionHandlers {
    return {
      auth: (): HandshakeAuth => ({ resume: this.#inbox.offsets(), typing: true, presence: "diff" }),
      onConnecting: () => this.#setState("connecting"),
      onConnected: () => this.#catchUp.reset(),
      onEvent: (event, args) => dispatch(event, args, this.#serverEvents),
      onLost: () => {
        this.#outbox.pause();
        this.#announcer.pause();
        this.#catchUp.reset();
        this.#setState("offline");
      },
      onError: (error) => {
        this.#setState("offline");
        this.#onError(error);
      },
    };
  }

  /** Rooms whose history is being read send later: it may show that an unanswered message was stored. */
  #onResumed(resumed: Resumed): void {
    this.#connection.markHealthy();
    this.#catchUp.onResumed(resumed);
    this.#outbox.resume(this.#catchUp.progress.recovering);
    this.#announcer.resume();
    this.#setState("online");
  }

  #onRoomReady(room: string): void {
    this.#outbox.release(room);
    this.emit("status", this.status);
  }

  #onPresence(update: () => void): void {
    update();
    this.emit("presence", this.#presence.merged());
  }

  #onShown(message: HistoricalMessage): void {
    if (this.#state === "closed") return;
    this.#outbox.onMessage(message);
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
