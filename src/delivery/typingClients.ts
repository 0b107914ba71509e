import { EVENTS, type TypingInformation } from "../protocol/events";
import { validateNewTypingInformation } from "../protocol/validation";
import type { Connection } from "../connections/engine";
import { packetOf } from "./packet";
import type { NodeBus } from "../nodes/nodeBus";
import type { RoomListeners } from "./roomListeners";
import type { Rooms } from "../protocol/rooms";

const TYPING = "typing"; // what nodes tell each other

/** room and user name → what was last said, while that was "typing" */
type Typing = Map<string, TypingInformation>;

/** Who is typing now, here and on other nodes, so that who vanishes can be said to have stopped. */
export class TypingClients {
  readonly #listeners: RoomListeners;
  readonly #rooms: Rooms;
  readonly #bus: NodeBus | undefined;
  /** connection, or id of another node → who is typing there */
  readonly #typing = new Map<Connection | string, Typing>();

  constructor(listeners: RoomListeners, rooms: Rooms, bus: NodeBus | undefined) {
    this.#listeners = listeners;
    this.#rooms = rooms;
    this.#bus = bus;
    bus?.subscribe(TYPING, (nodeId, payload) => this.#onTold(nodeId, payload));
  }

  update(conn: Connection, typing: TypingInformation): void {
    this.#remember(conn, typing);
    this.#publish(typing, conn);
  }

  vanished(conn: Connection): void {
    for (const typing of this.#forget(conn)) this.#publish({ ...typing, isTyping: false }, conn);
  }

  /** The node is no more, and its clients will not say that they have stopped. */
  nodeGone(nodeId: string): void {
    for (const typing of this.#forget(nodeId)) this.#show({ ...typing, isTyping: false });
  }

  #onTold(nodeId: string, payload: unknown): void {
    try {
      const { username, chatRoom, isTyping } = validateNewTypingInformation(payload);
      const typing = { username, chatRoom: this.#rooms.get(chatRoom.name), isTyping };
      this.#remember(nodeId, typing);
      this.#show(typing);
    } catch {
      // Not from a node of this service, or one with other rooms.
    }
  }

  #remember(whose: Connection | string, typing: TypingInformation): void {
    const known = this.#typing.get(whose) ?? (new Map() as Typing);
    const key = JSON.stringify([typing.chatRoom.name, typing.username]);
    if (typing.isTyping) known.set(key, typing);
    else known.delete(key);
    if (known.size > 0) this.#typing.set(whose, known);
    else this.#typing.delete(whose);
  }

  #forget(whose: Connection | string): TypingInformation[] {
    const known = this.#typing.get(whose);
    this.#typing.delete(whose);
    return [...(known?.values() ?? [])];
  }

  #publish(typing: TypingInformation, from: Connection): void {
    this.#show(typing, from);
    this.#bus?.publish(TYPING, typing);
  }

  #show(data: TypingInformation, except?: Connection): void {
    const encode = () => packetOf(EVENTS.typingInformation, JSON.stringify({ data, error: null }));
    this.#listeners.publish(data.chatRoom.name, encode, except);
  }
}
