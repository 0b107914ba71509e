import type { NewMessage, NewPresenceInformation, NewTypingInformation } from "../../src/protocol/payloads";
import { client, given, type Dialogue } from "./dialogue";
import { COOKING, HELLO, refused, token, WITH_TOKENS } from "./samples";
import type { RefusalKey } from "./typeSchemas";

const PRESENCE: NewPresenceInformation = { username: "ana", avatar: "", currentRoom: COOKING };
const TYPING: NewTypingInformation = { username: "ana", chatRoom: COOKING, isTyping: true };
const NOWHERE = { label: "Nowhere", name: "/nowhere" };
const INVALID = { message: undefined };

/** At one event per second the 11th within 10 s is refused: time enough for a slow machine. */
const BURST = 10;

const dialogue = given({});
const ana = client("ana");
const connected = client("ana", "bob").connects(); // bob receives no refusal
const connectedAs = (sub: string) => ana.connects({ token: token({ sub }) });

type Payload = NewMessage | NewPresenceInformation | NewTypingInformation;

/** `limit` begins the names of the settings that limit the event. */
function refusalDialogues(event: string, valid: Payload, invalid: RefusalKey, limit: string): Dialogue[] {
  const errors = Object.keys(valid).map((field) => `should have required property '${field}'`);
  const notValid = refused(invalid, errors);
  const elsewhere = "chatRoom" in valid ? { chatRoom: NOWHERE } : { currentRoom: NOWHERE };
  const isRefused = (key: RefusalKey, changes = {}) =>
    ana.isRefused(event, { ...valid, ...changes }, refused(key));
  const settings = { [`${limit}_PER_SECOND`]: "1", [`${limit}_BURST`]: String(BURST) };
  return [
    dialogue(`${event} that is not valid`, "Each violation is one line of `errors`.", [
      connected,
      ana.isRefused(event, {}, notValid, INVALID),
    ]),
    dialogue(`${event} for an unknown room`, "The room is not one of the server's.", [
      connected,
      isRefused("unknownRoom", elsewhere),
    ]),
    given({ settings })(`${event} too often`, "Events that are not valid count, too.", [
      connected,
      ana.sends(event, {}, notValid, { ...INVALID, times: BURST }),
      isRefused("tooManyRequests"),
    ]),
    given(WITH_TOKENS)(`${event} with the name of another user`, "The token has another name.", [
      connectedAs("eve"),
      isRefused("notAllowed"),
    ]),
    given({ ...WITH_TOKENS, circumstance: "lateTimer" })(
      `${event} after the token expired`,
      "The connection is about to be closed.",
      [connectedAs("ana"), isRefused("unauthorized")],
    ),
    given({ circumstance: "fault" })(`${event} and a fault`, "Only the log has the reason.", [
      connected,
      isRefused("internal"),
    ]),
  ];
}

export const REFUSAL_DIALOGUES: readonly Dialogue[] = [
  ...refusalDialogues("new_message", HELLO, "messageNotValid", "MESSAGES"),
  ...refusalDialogues("new_presence_information", PRESENCE, "userInfoNotValid", "PRESENCE"),
  ...refusalDialogues("new_typing_information", TYPING, "typingInfoNotValid", "TYPING"),
  dialogue("an unknown event", "Only a callback receives the refusal.", [
    ana.connects(),
    ana.sends("no_such_event", {}, undefined, { message: "unknown_event" }),
    ana.sends("no_such_event", {}, refused("unknownEvent"), { message: "unknown_event" }),
  ]),
];
