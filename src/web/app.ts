import {
  ChatClient,
  ChatClientError,
  type ChatRoom,
  type HistoricalMessage,
  type HistoryPage,
  type HistoryRequest,
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
import { Timeline } from "./timeline";
import { Typing } from "./typing";
import { Unread } from "./unread";
import { Unsent } from "./unsent";

const PAGE = 100; // messages
const TRIES = 4; // for a page; who scrolls fast may be told that it was too fast
const TRY_AGAIN = 1_000; // ms
const NOTE_TIME = 8_000; // ms

export interface AppOptions {
  username: string;
  token: string | undefined;
  rooms: readonly ChatRoom[];
  /** The server asks for a token, or does not take the one it got. */
  onUnauthorized: () => void;
}

/** The chat behind the page: what the client hears goes to the views, what the views do goes to the client. */
export class App {
  readonly #client: ChatClient;
  readonly #rooms: readonly ChatRoom[];
  readonly #onUnauthorized: () => void;
  readonly #timelines = new Map<string, Timeline>();
  readonly #roomList: RoomList;
  readonly #people = new People();
  readonly #panes = new Panes();
  readonly #banner = new Banner();
  readonly #conversation: Conversation;
  readonly #composer: Composer;
  readonly #typing: Typing;
  readonly #unread: Unread;
  readonly #unsent: Unsent;
  /** Rooms whose unread messages of before the visit have been counted. */
  readonly #isCaughtUp = new Set<string>();
  /** Rooms whose unsent messages of before the visit have been sent again. */
  readonly #resumed = new Set<string>();
  #room: ChatRoom;
  #present: PresenceInformation["usersPerRoom"] = {};
  #noteTimer = 0;

  constructor({ username, token, rooms, onUnauthorized }: AppOptions) {
    this.#rooms = rooms;
    this.#room = this.#roomOfAddress();
    this.#onUnauthorized = onUnauthorized;
    this.#client = new ChatClient(location.origin, {
      username,
      ...(token !== undefined && { auth: () => token }),
    });
    this.#roomList = new RoomList(rooms);
    this.#unread = new Unread(this.#client, (room, count) => this.#showUnread(room, count));
    this.#unsent = new Unsent({ client: this.#client, onChange: (room) => this.#timeline(room).setUnsent(this.#unsent.of(room)) }); // prettier-ignore
    this.#conversation = new Conversation({
      me: () => this.#client.username ?? "",
      loadOlder: (timeline) => this.#loadOlder(timeline),
      onSeen: () => this.#seen(),
      retry: (message) => this.#unsent.retry(message),
      discard: (message) => this.#unsent.remove(message),
    });
    this.#typing = new Typing(this.#client);
    this.#composer = new Composer({
      send: (message) => this.#send(message),
      onTyping: (isTyping) => this.#typing.said(isTyping),
    });
  }

  start(): void {
    this.#listen();
    this.#showMe();
    this.#select(this.#room);
    this.#client.connect();
    // What an earlier visit could not send is sent even in rooms that are not opened.
    for (const { name } of this.#rooms) {
      const timeline = this.#timeline(name);
      if (this.#unsent.of(name).length > 0 && timeline.before === undefined)
        void this.#loadOlder(timeline).catch(() => this.#resumeUnsent(name));
    }
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
    client.on("message", (message) => this.#heard(message));
    client.on("presence", ({ usersPerRoom }) => {
      this.#present = usersPerRoom;
      this.#showPeople();
    });
    client.on("error", (error) => this.#onError(error));
    client.on("status", (status) => {
      this.#banner.update(status);
      for (const room of status.incomplete) this.#timelines.get(room)?.reset();
      if (status.state === "online") this.#onOnline();
    });
    addEventListener("hashchange", () => this.#select(this.#roomOfAddress()));
    addEventListener("pagehide", () => this.#typing.said(false));
    document.addEventListener("visibilitychange", () => this.#seen());
    document.addEventListener("keydown", (event) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!event.altKey || step === undefined) return;
      event.preventDefault();
      this.#step(step);
    });
  }

  /** The first time, rooms are looked at for what is unread; later it is heard. */
  #onOnline(): void {
    this.#conversation.recover();
    const others = this.#rooms.filter(({ name }) => name !== this.#room.name && !this.#isCaughtUp.has(name));
    for (const { name } of others) void this.#unread.catchUp(name);
    for (const { name } of this.#rooms) this.#isCaughtUp.add(name);
  }

  #heard(message: HistoricalMessage): void {
    const { name } = message.chatRoom;
    this.#timeline(name).append(message);
    this.#unsent.remove({ uuid: message.uuid, room: name });
    this.#typing.stopped(name, message.username);
    if (!this.#isSeen(name)) this.#unread.heard(name, message);
  }

  #send(message: string): void {
    this.#unsent.send(this.#room.name, this.#client.username ?? "", message);
    this.#conversation.toBottom();
  }

  async #loadOlder(timeline: Timeline): Promise<void> {
    const [room] = [...this.#timelines].find(([, other]) => other === timeline) ?? [this.#room.name];
    const { before } = timeline;
    const isFirst = before === undefined;
    timeline.prepend(await this.#page(room, { limit: PAGE, ...(isText(before) && { before }) }));
    if (isFirst) this.#resumeUnsent(room);
    if (isFirst) this.#seen();
  }

  async #page(room: string, request: HistoryRequest): Promise<HistoryPage> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#client.history(room, request);
      } catch (error) {
        const mayPass = error instanceof ChatClientError && error.isTransient;
        if (!mayPass || tries === TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN));
      }
    }
  }

  /** Not before the newest page is here, which may show that they had arrived. */
  #resumeUnsent(room: string): void {
    if (this.#resumed.has(room)) return;
    this.#resumed.add(room);
    this.#unsent.resume(room, (message) => this.#timeline(room).has(message));
  }

  #timeline(room: string): Timeline {
    const known = this.#timelines.get(room);
    if (known !== undefined) return known;
    const timeline = new Timeline();
    this.#timelines.set(room, timeline);
    timeline.setUnsent(this.#unsent.of(room));
    return timeline;
  }

  #select(room: ChatRoom): void {
    this.#room = room;
    this.#roomList.select(room.name);
    showText(byId("room-label"), room.label);
    this.#typing.show(room.name);
    this.#composer.show(room.name, room.label);
    this.#conversation.show(this.#timeline(room.name), room.label);
    this.#client.announcePresence({ avatar: "", room: room.name });
    this.#showPeople();
    this.#note(undefined);
    this.#showTitle();
    this.#panes.toConversation();
    if (this.#panes.isWide) this.#composer.focus();
  }

  #step(step: number): void {
    const index = this.#rooms.indexOf(this.#room) + step;
    const next = this.#rooms[(index + this.#rooms.length) % this.#rooms.length];
    if (next !== undefined) location.hash = next.name;
    this.#composer.focus();
  }

  #roomOfAddress(): ChatRoom {
    const name = decodeURIComponent(location.hash.slice(1));
    const room = this.#rooms.find((other) => other.name === name) ?? this.#rooms[0];
    if (room === undefined) throw new Error("the server has no rooms");
    return room;
  }

  #isSeen(room: string): boolean {
    return room === this.#room.name && !document.hidden && this.#conversation.isAtBottom;
  }

  #seen(): void {
    const { name } = this.#room;
    if (this.#isSeen(name)) this.#unread.seen(name, this.#timeline(name).newest);
  }

  #onError(error: ChatClientError): void {
    if (error.status === 401) this.#onUnauthorized();
    else if (error.status !== 0)
      this.#note(`${error.message}${error.errors.map((line) => ` · ${line}`).join("")}`);
  }

  #note(text: string | undefined): void {
    clearTimeout(this.#noteTimer);
    showText(byId("note"), text);
    if (text !== undefined) this.#noteTimer = window.setTimeout(() => this.#note(undefined), NOTE_TIME);
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

/** The name that this person had last. */
export function lastName(): string {
  return load("name", isText, "");
}
