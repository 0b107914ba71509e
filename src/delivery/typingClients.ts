import { EVENTS, type TypingInformation } from "../protocol/events";
import { validateNewTypingInformation } from "../protocol/validation";
import type { Connection } from "../connections/engine";
import { packetOf } from "./packet";
import type { NodeBus } from "../nodes/nodeBus";
import type { RoomListeners } from "./roomListeners";
import type { Rooms } from "../protocol/rooms";

const TYPING = "typing"; // kind of message on the node bus; its payload is a TypingInformation

/** A client connected to this node, or the id of another node. */
type Source = Connection | string;

/** room and username → the latest information, as long as it says `isTyping: true` */
type Typing = Map<string, TypingInformation>;

/**
 * Relays typing to the clients that opted in, here and on other nodes. Remembers what is being typed, so that it
 * can report the end when a client or a node vanishes.
 */
export class TypingClients {
  readonly #listeners: RoomListeners;
  readonly #rooms: Rooms;
  readonly #bus: NodeBus | undefined;
  readonly #typing = new Map<Source, Typing>();

  constructor(listeners: RoomListeners, rooms: Rooms, bus: NodeBus | undefined) {
    this.#listeners = listeners;
    this.#rooms = rooms;
    this.#bus = bus;
    bus?.subscribe(TYPING, (nodeId, payload) => this.#onRemoteTyping(nodeId, payload));
  }

  /** A client of this node has sent its typing information. */
  update(conn: Connection, typing: TypingInformation): void {
    this.#remember(conn, typing);
    this.#publish(typing, conn);
  }

  /** Ends all typing of a client of this node. */
  stopTyping(conn: Connection): void {
    for (const typing of this.#forget(conn)) this.#publish({ ...typing, isTyping: false }, conn);
  }

  /** Ends all typing of another node's clients. Each remaining node does this for its own clients. */
  onNodeGone(nodeId: string): void {
    for (const typing of this.#forget(nodeId)) this.#deliver({ ...typing, isTyping: false });
  }

  #onRemoteTyping(nodeId: string, payload: unknown): void {
    try {
      const { username, chatRoom, isTyping } = validateNewTypingInformation(payload);
      const typing = { username, chatRoom: this.#rooms.get(chatRoom.name), isTyping };
      this.#remember(nodeId, typing);
      this.#deliver(typing);
    } catch {
      // The payload does not come from a node of this service, or it comes from one with other rooms.
    }
  }

  #remember(source: Source, typing: TypingInformation): void {
    const known: Typing = this.#typing.get(source) ?? new Map();
    const key = JSON.stringify([typing.chatRoom.name, typing.username]);
    if (typing.isTyping) known.set(key, typing);
    else known.delete(key);
    if (known.size > 0) this.#typing.set(source, known);
    else this.#typing.delete(source);
  }

  /** Returns what was being typed. */
  #forget(source: Source): TypingInformation[] {
    const known = this.#typing.get(source);
    this.#typing.delete(source);
    return [...(known?.values() ?? [])];
  }

  #publish(typing: TypingInformation, from: Connection): void {
    this.#deliver(typing, from);
    this.#bus?.publish(TYPING, typing);
  }

  #deliver(data: TypingInformation, except?: Connection): void {
    const encode = () => packetOf(EVENTS.typingInformation, JSON.stringify({ data, error: null }));
    this.#listeners.publish(data.chatRoom.name, encode, except);
  }
}
