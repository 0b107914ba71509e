import { EVENTS } from "../../src/protocol/events";
import { client, type Dialogue } from "./dialogue";
import { CLIENT_EVENTS, type ClientEventKey, type PayloadOf } from "./events";
import { refused } from "./refusals";
import { COOKING, missing, NOWHERE, token, WITH_TOKENS } from "./sampleValues";

/** What each client event is refused for, in the same way: to a callback, and without one as `server_error`. */
interface Refusable<Key extends ClientEventKey> {
  valid: PayloadOf<Key>;
  elsewhere: PayloadOf<Key>;
  /** Begins the names of the settings that limit how often it may be sent. */
  limit: string;
  required: string[];
}

const message = { username: "ana", message: "hello", uuid: "1234", chatRoom: COOKING };
const presence = { username: "ana", avatar: "", currentRoom: COOKING };
const typing = { username: "ana", chatRoom: COOKING, isTyping: true };

const REFUSABLE: { [Key in ClientEventKey]: Refusable<Key> } = {
  newMessage: {
    valid: message,
    elsewhere: { ...message, chatRoom: NOWHERE },
    limit: "MESSAGES",
    required: ["username", "message", "uuid", "chatRoom"],
  },
  newPresenceInformation: {
    valid: presence,
    elsewhere: { ...presence, currentRoom: NOWHERE },
    limit: "PRESENCE",
    required: ["username", "avatar", "currentRoom"],
  },
  newTypingInformation: {
    valid: typing,
    elsewhere: { ...typing, chatRoom: NOWHERE },
    limit: "TYPING",
    required: ["username", "chatRoom", "isTyping"],
  },
};

const BURST = 10; // events at 1 per second: refused from the eleventh within 10 s, long enough for any machine

const ana = client("ana");
const bob = client("bob"); // hears of no refusal

function refusalDialogues<Key extends ClientEventKey>(key: Key, of: Refusable<Key>): Dialogue[] {
  const { valid, elsewhere, limit, required } = of;
  const event = EVENTS[key];
  const [invalid, flood] = [
    refused(CLIENT_EVENTS[key].invalid, missing(...required)),
    refused("tooManyRequests"),
  ];
  return [
    {
      name: `${event} that is not valid`,
      summary: "Each violation is one line of `errors`.",
      steps: [
        ...[ana.connects(), bob.connects(), ana.sendsInvalid(key, {}, invalid)],
        ...[ana.sendsInvalid(key, {}), ana.hears("serverError", invalid)],
      ],
    },
    {
      name: `${event} for no room`,
      summary: "The room is not one of the server's.",
      steps: [
        ...[ana.connects(), bob.connects(), ana.sends(key, elsewhere, refused("unknownRoom"))],
        ...[ana.sends(key, elsewhere), ana.hears("serverError", refused("unknownRoom"))],
      ],
    },
    {
      name: `${event} too often`,
      summary: "More events than the connection's limit allows, whether or not they were valid.",
      settings: { [`${limit}_PER_SECOND`]: "1", [`${limit}_BURST`]: String(BURST) },
      steps: [
        ...[ana.connects(), bob.connects(), ana.sendsInvalid(key, {}, invalid, BURST)],
        ...[ana.sends(key, valid, flood), ana.sends(key, valid), ana.hears("serverError", flood)],
      ],
    },
    {
      name: `${event} in another's name`,
      summary: "The token says who the client is.",
      settings: WITH_TOKENS,
      steps: [
        ...[ana.connects({ token: token({ sub: "eve" }) }), ana.sends(key, valid, refused("notAllowed"))],
        ...[ana.sends(key, valid), ana.hears("serverError", refused("notAllowed"))],
      ],
    },
    {
      name: `${event} too late`,
      summary: "The connection is about to be closed.",
      settings: WITH_TOKENS,
      circumstance: "late",
      steps: [
        ...[ana.connects({ token: token({ sub: "ana" }) }), ana.sends(key, valid, refused("unauthorized"))],
        ...[ana.sends(key, valid), ana.hears("serverError", refused("unauthorized"))],
      ],
    },
    {
      name: `${event} and a fault of the server`,
      summary: "What is wrong stands in the server's log alone.",
      circumstance: "fault",
      steps: [
        ...[ana.connects(), bob.connects(), ana.sends(key, valid, refused("internal"))],
        ...[ana.sends(key, valid), ana.hears("serverError", refused("internal"))],
      ],
    },
  ];
}

export const REFUSAL_DIALOGUES: readonly Dialogue[] = [
  ...refusalDialogues("newMessage", REFUSABLE.newMessage),
  ...refusalDialogues("newPresenceInformation", REFUSABLE.newPresenceInformation),
  ...refusalDialogues("newTypingInformation", REFUSABLE.newTypingInformation),
  {
    name: "an event that is not known",
    summary: "Who passed a callback is told so; who did not, hears nothing.",
    steps: [
      ana.connects(),
      ana.sendsUnknown("no_such_event", {}),
      ana.sendsUnknown("no_such_event", {}, refused("unknownEvent")),
    ],
  },
];
