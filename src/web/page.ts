import {
  ChatClient,
  type ChatClientError,
  type ChatRoom,
  type ChatStatus,
  type HistoricalMessage,
  type PresenceInformation,
} from "../client/chatClient";
import { avatar } from "./avatar";
import { Banner } from "./banner";
import { Composer } from "./composer";
import { Conversation } from "./conversation";
import { byId, showText } from "./dom";
import { Panes } from "./panes";
import { People } from "./people";
import { RoomList } from "./roomList";
import { isText, load, save } from "./storage";
import { RoomTimelines } from "./roomTimelines";
import { Typing } from "./typing";
import { Unread } from "./unread";

const NOTE_DURATION_MS = 8_000;

export interface PageOptions {
  username: string;
  token: string | undefined;
  rooms: readonly ChatRoom[];
  /** The server requires a token, or refused the one it got. */
  onUnauthorized: () => void;
}

/** Connects the ChatClient and the views: the client's events update the views, the user's actions call the client. */
export class Page {
  readonly #client: ChatClient;
  readonly #rooms: readonly ChatRoom[];
  readonly #onUnauthorized: () => void;
  readonly #timelines: RoomTimelines;
  readonly #roomList: RoomList;
  readonly #people = new People();
  readonly #panes = new Panes();
  readonly #banner = new Banner();
  readonly #conversation: Conversation;
  readonly #composer: Composer;
  readonly #typing: Typing;
  readonly #unread: Unread;
  /** Rooms whose unread messages from before this visit have been counted. */
  readonly #counted = new Set<string>();
  /** Rooms that were read again since this connection began, because messages may be missing. */
  readonly #incomplete = new Set<string>();
  #room: ChatRoom;
  #present: PresenceInformation["usersPerRoom"] = {};
  #noteTimer = 0;

  constructor({ username, token, rooms, onUnauthorized }: PageOptions) {
    this.#rooms = rooms;
    this.#room = this.#roomOfAddress();
    this.#onUnauthorized = onUnauthorized;
    this.#client = new ChatClient(location.origin, {
      username,
      ...(token !== undefined && { auth: () => token }),
    });
    this.#roomList = new RoomList(rooms);
    this.#unread = new Unread(this.#client, (room, count) => this.#showUnread(room, count));
    this.#timelines = new RoomTimelines({ client: this.#client, onRead: () => this.#markSeen() });
    const { unsent } = this.#timelines;
    this.#conversation = new Conversation({
      me: () => this.#client.username ?? "",
      loadOlder: (timeline) => this.#timelines.loadOlder(timeline),
      onSeen: () => this.#markSeen(),
      retry: (message) => unsent.retry(message),
      discard: (message) => unsent.remove(message),
    });
    this.#typing = new Typing(this.#client);
    this.#composer = new Composer({
      send: (message) => this.#send(message),
      onTyping: (isTyping) => this.#typing.setTyping(isTyping),
    });
  }

  start(): void {
    this.#listen();
    this.#showMe();
    this.#select(this.#room);
    this.#client.connect();
    this.#timelines.resume(this.#rooms.map(({ name }) => name));
  }

  rename(username: string): void {
    this.#client.username = username;
    this.#showMe();
    this.#conversation.refresh();
    this.#showPeople();
  }

  stop(): void {
    this.#client.close();
  }

  #listen(): void {
    const client = this.#client;
    client.on("message", (message) => this.#onMessage(message));
    client.on("presence", ({ usersPerRoom }) => {
      this.#present = usersPerRoom;
      this.#showPeople();
    });
    client.on("error", (error) => this.#onError(error));
    client.on("status", (status) => this.#onStatus(status));
    addEventListener("hashchange", () => this.#select(this.#roomOfAddress()));
    addEventListener("pagehide", () => this.#typing.setTyping(false));
    document.addEventListener("visibilitychange", () => this.#markSeen());
    document.addEventListener("keydown", (event) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!event.altKey || step === undefined) return;
      event.preventDefault();
      this.#step(step);
    });
  }

  #onStatus(status: ChatStatus): void {
    this.#banner.update(status);
    if (status.state !== "online") {
      this.#incomplete.clear();
      return;
    }
    for (const room of status.incomplete) {
      if (!this.#incomplete.has(room)) this.#timelines.of(room).reset();
      this.#incomplete.add(room);
    }
    this.#conversation.recover();
    void this.#countUnread();
  }

  /** Counts the unread messages of each room once; from then on they are counted as they arrive. */
  async #countUnread(): Promise<void> {
    const others = this.#rooms.filter(({ name }) => name !== this.#room.name && !this.#counted.has(name));
    for (const { name } of this.#rooms) this.#counted.add(name);
    for (const { name } of others) await this.#unread.catchUp(name);
  }

  #onMessage(message: HistoricalMessage): void {
    const { name } = message.chatRoom;
    this.#timelines.onMessage(message);
    this.#typing.onStopped(name, message.username);
    if (!this.#isSeen(name)) this.#unread.onMessage(name, message);
    if (name !== this.#room.name) this.#timelines.of(name).forgetOldest();
  }

  #send(message: string): void {
    this.#timelines.unsent.send(this.#room.name, this.#client.username ?? "", message);
    this.#conversation.toBottom();
  }

  #select(room: ChatRoom): void {
    this.#room = room;
    this.#roomList.select(room.name);
    showText(byId("room-label"), room.label);
    this.#typing.show(room.name);
    this.#composer.show(room.name, room.label);
    this.#conversation.show(this.#timelines.of(room.name), room.label);
    this.#client.announcePresence({ avatar: "", room: room.name });
    this.#showPeople();
    this.#note(undefined);
    this.#showTitle();
    this.#panes.toConversation();
    if (this.#panes.isWide) this.#composer.focus();
  }

  #step(step: number): void {
    // Start from the address: when keys come fast, it is ahead of the room that is shown.
    const index = this.#rooms.indexOf(this.#roomOfAddress()) + step;
    const next = this.#rooms[(index + this.#rooms.length) % this.#rooms.length];
    if (next !== undefined) location.hash = next.name;
    this.#composer.focus();
  }

  #roomOfAddress(): ChatRoom {
    const name = location.hash.slice(1); // room names need no escapes
    const room = this.#rooms.find((other) => other.name === name) ?? this.#rooms[0];
    if (room === undefined) throw new Error("the server has no rooms");
    return room;
  }

  #isSeen(room: string): boolean {
    return room === this.#room.name && !document.hidden && this.#conversation.isAtBottom;
  }

  #markSeen(): void {
    const { name } = this.#room;
    if (this.#isSeen(name)) this.#unread.markRead(name, this.#timelines.of(name).newest);
  }

  #onError(error: ChatClientError): void {
    if (error.status === 401) this.#onUnauthorized();
    else if (error.status !== 0)
      this.#note(`${error.message}${error.errors.map((line) => ` · ${line}`).join("")}`);
  }

  #note(text: string | undefined): void {
    clearTimeout(this.#noteTimer);
    showText(byId("note"), text);
    if (text !== undefined)
      this.#noteTimer = window.setTimeout(() => this.#note(undefined), NOTE_DURATION_MS);
  }

  #showMe(): void {
    const username = this.#client.username ?? "";
    byId("me-avatar").replaceChildren(avatar(username));
    byId("me-name").textContent = username;
    save("name", username);
  }

  #showPeople(): void {
    for (const { name } of this.#rooms) this.#roomList.setPeople(name, this.#present[name]?.length ?? 0);
    this.#people.show(this.#present[this.#room.name] ?? [], this.#client.username ?? "");
  }

  #showUnread(room: string, count: number): void {
    this.#roomList.setUnread(room, count);
    this.#showTitle();
  }

  #showTitle(): void {
    const { total } = this.#unread;
    document.title = `${total > 0 ? `(${String(total)}) ` : ""}${this.#room.label} – Chat`;
  }
}

/** Returns the user's last name, or an empty text. */
export function lastName(): string {
  return load("name", isText, "");
}
