import type { NewMessage, NewPresenceInformation, NewTypingInformation } from "../../src/protocol/payloads";
import { client, dialogue, dialogueGiven, type Dialogue } from "./dialogue";
import { COOKING, HELLO, refused, token, WITH_TOKENS } from "./samples";
import type { RefusalKey } from "./typeSchemas";

const PRESENCE: NewPresenceInformation = { username: "ana", avatar: "", currentRoom: COOKING };
const TYPING: NewTypingInformation = { username: "ana", chatRoom: COOKING, isTyping: true };
const NOWHERE = { label: "Nowhere", name: "/nowhere" };

/** At one event per second the 11th within 10 s is refused: time enough for a slow machine. */
const BURST = 10;

const LATE = { ...WITH_TOKENS, circumstance: "lateTimer" } as const;

const ana = client("ana");
const connected = client("ana", "bob").connects(); // bob receives no refusal

type Payload = NewMessage | NewPresenceInformation | NewTypingInformation;

/**
 * Each refusal is sent to the callback, and without a callback as `server_error`. `limit` begins the names of the
 * settings that limit the event.
 */
function refusalDialogues(event: string, valid: Payload, invalid: RefusalKey, limit: string): Dialogue[] {
  const notValid = refused(
    invalid,
    Object.keys(valid).map((field) => `should have required property '${field}'`),
  );
  const refusedTwice = (key: RefusalKey, changes: object = {}) => [
    ana.sends(event, { ...valid, ...changes }, refused(key)),
    ana.sends(event, { ...valid, ...changes }),
    ana.receivesRefusal(refused(key)),
  ];
  const elsewhere = "chatRoom" in valid ? { chatRoom: NOWHERE } : { currentRoom: NOWHERE };
  const connectedAs = (sub: string) => ana.connects({ token: token({ sub }) });
  const floods = [connected, ana.sendsInvalid(event, notValid, BURST), ...refusedTwice("tooManyRequests")];
  const settings = { [`${limit}_PER_SECOND`]: "1", [`${limit}_BURST`]: String(BURST) };
  const isLate = [connectedAs("ana"), ana.tokenExpires(), ...refusedTwice("unauthorized")];
  const fails = [connected, ...refusedTwice("internal")];
  return [
    dialogue(`${event} that is not valid`, "Each violation is one line of `errors`.", [
      connected,
      ana.sendsInvalid(event, notValid),
      ana.sendsInvalid(event),
      ana.receivesRefusal(notValid),
    ]),
    dialogue(`${event} for an unknown room`, "The room is not one of the server's.", [
      connected,
      ...refusedTwice("unknownRoom", elsewhere),
    ]),
    dialogueGiven({ settings }, `${event} too often`, "Events that are not valid count, too.", floods),
    dialogueGiven(WITH_TOKENS, `${event} with the name of another user`, "The token has another name.", [
      connectedAs("eve"),
      ...refusedTwice("notAllowed"),
    ]),
    dialogueGiven(LATE, `${event} after the token expired`, "The connection is about to be closed.", isLate),
    dialogueGiven({ circumstance: "fault" }, `${event} and a fault`, "Only the log has the reason.", fails),
  ];
}

export const REFUSAL_DIALOGUES: readonly Dialogue[] = [
  ...refusalDialogues("new_message", HELLO, "messageNotValid", "MESSAGES"),
  ...refusalDialogues("new_presence_information", PRESENCE, "userInfoNotValid", "PRESENCE"),
  ...refusalDialogues("new_typing_information", TYPING, "typingInfoNotValid", "TYPING"),
  dialogue("an unknown event", "Only a callback receives the refusal.", [
    ana.connects(),
    ana.sendsUnknown(),
    ana.sendsUnknown(refused("unknownEvent")),
  ]),
];
