import { authorize } from "../access/identity";
import { validateNewTypingInformation } from "../protocol/validation";
import type { Handle, HandlerDeps } from "./eventHandler";

/** `new_typing_information`: relayed to the other clients that asked for typing, best effort, never stored. */
export function newTypingInformation({ rooms, typing }: HandlerDeps): Handle<Record<string, never>> {
  return (payload, { identity, conn }) => {
    const { username, chatRoom, isTyping } = validateNewTypingInformation(payload);
    const room = rooms.get(chatRoom.name);
    authorize(identity, username, room.name);
    // The client may have left since it sent this. Then nothing would end its typing.
    if (conn.readyState === "open") typing.update(conn, { username, chatRoom: room, isTyping });
    return {};
  };
}
