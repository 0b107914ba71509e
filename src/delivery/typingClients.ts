import { EVENTS, type TypingInformation } from "../protocol/events";
import { validateNewTypingInformation } from "../protocol/validation";
import type { Connection } from "../connections/engine";
import { packetOf } from "./packet";
import type { NodeBus } from "../nodes/nodeBus";
import type { RoomListeners } from "./roomListeners";
import type { Rooms } from "../protocol/rooms";

const TYPING = "typing"; // kind of message on the node bus; its payload is a TypingInformation
const MAX_TYPING_PER_NODE = 10_000; // beyond this the oldest is forgotten: the bus may lose the ends of typing

type Source = Connection | string; // a client of this node, or the id of another node

/**
 * Relays typing to the clients that opted in, here and on other nodes. Remembers what is being typed, so that it
 * can report the end when a client or a node vanishes: of a client one username in each room.
 */
export class TypingClients {
  readonly #listeners: RoomListeners;
  readonly #rooms: Rooms;
  readonly #bus: NodeBus | undefined;
  /** by source: room → the latest information that says `isTyping: true`; of a node: room and username → the same */
  readonly #typing = new Map<Source, Map<string, TypingInformation>>();

  constructor(listeners: RoomListeners, rooms: Rooms, bus: NodeBus | undefined) {
    this.#listeners = listeners;
    this.#rooms = rooms;
    this.#bus = bus;
    bus?.subscribe(TYPING, (nodeId, payload) => this.#onRemoteTyping(nodeId, payload));
  }

  /** A client has reported typing. Another username first ends the one before it in the room. */
  update(client: Connection, typing: TypingInformation): void {
    const before = this.#typing.get(client)?.get(typing.chatRoom.name);
    if (before !== undefined && before.username !== typing.username)
      this.#relay(client, { ...before, isTyping: false });
    this.#remember(client, typing.chatRoom.name, typing);
    this.#relay(client, typing);
  }

  /** Ends all typing of the source. When a node is gone, each remaining node does this for its own clients. */
  stopTyping(source: Source): void {
    const known = this.#typing.get(source);
    this.#typing.delete(source);
    for (const typing of known?.values() ?? []) this.#relay(source, { ...typing, isTyping: false });
  }

  #remember(source: Source, key: string, typing: TypingInformation): void {
    const known = this.#typing.get(source) ?? new Map<string, TypingInformation>();
    if (typing.isTyping) known.set(key, typing);
    else known.delete(key);
    const [oldest] = known.size > MAX_TYPING_PER_NODE ? known.keys() : [];
    if (oldest !== undefined) known.delete(oldest);
    if (known.size > 0) this.#typing.set(source, known);
    else this.#typing.delete(source);
  }

  #onRemoteTyping(nodeId: string, payload: unknown): void {
    try {
      const { username, chatRoom, isTyping } = validateNewTypingInformation(payload);
      const typing = { username, chatRoom: this.#rooms.get(chatRoom.name), isTyping };
      this.#remember(nodeId, JSON.stringify([typing.chatRoom.name, username]), typing);
      this.#relay(nodeId, typing);
    } catch {
      // The payload does not come from a node of this service, or it comes from one with other rooms.
    }
  }

  /** To the clients of this node but the source; and to other nodes, if the source is a client of this node. */
  #relay(source: Source, data: TypingInformation): void {
    const encode = () => packetOf(EVENTS.typingInformation, JSON.stringify({ data, error: null }));
    const sender = typeof source === "string" ? undefined : source;
    this.#listeners.publish(data.chatRoom.name, encode, sender);
    if (sender !== undefined) this.#bus?.publish(TYPING, data);
  }
}
