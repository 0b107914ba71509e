import { EVENTS, type PresentClient, type PresentUser, type ResumedRoom } from "../../src/protocol/events";
import type { NewMessage, NewPresenceInformation, NewTypingInformation } from "../../src/protocol/payloads";
import { REFUSALS } from "../../src/protocol/refusals";
import { client, given, type Dialogue, type Given, type Step } from "./dialogue";
import { acked, connectError, COOKING, HELLO, MONEY, offset, perRoom, receipt, refused } from "./dialogue";
import { token, WITH_TOKENS, WITHOUT_KEYS } from "./dialogue";
import type { RefusalKey } from "./typeSchemas";

const dialogue = given({});
const [ana, bob, eve] = [client("ana"), client("bob"), client("eve")];
const anaAndBob = client("ana", "bob");

const { newMessage: MESSAGE, newPresenceInformation: PRESENCE, newTypingInformation: TYPING } = EVENTS;
const ANA: PresentUser = { username: "ana", avatar: "https://example.com/ana.png" };
const BOB: PresentUser = { username: "bob", avatar: "" };
const ANA_WITH_ID: PresentClient = { id: "kZ3xW8pQv1nT", ...ANA };
const MOVES = { joined: { "/money": [ANA_WITH_ID] }, left: { "/cooking": [ANA_WITH_ID.id] } };
const ENTERS: NewPresenceInformation = { ...ANA, currentRoom: COOKING };
const TYPES: NewTypingInformation = { username: "ana", chatRoom: COOKING, isTyping: true };
const STOPS = { ...TYPES, isTyping: false };
const EGGS = { ...HELLO, message: "how long do you boil an egg?", uuid: "0b9c8f2e-9a3d-4c55-9d0e" };
const POLLING = "?EIO=4&transport=polling";

/** The data of presence: all rooms are empty except for these. */
const present = (users: Record<string, PresentUser[]>) => ({ usersPerRoom: perRoom(() => [], users) });
const BOTH = present({ "/cooking": [ANA], "/money": [BOB] });

const at = (position: number) => offset("/cooking", position);
/** The data of `resumed`: the client missed nothing in all rooms but this one. */
const resumed = (cooking?: ResumedRoom) => {
  const complete = (room: string) => ({ recovered: true, replayed: 0, offset: offset(room, 0) });
  return { rooms: perRoom<ResumedRoom>(complete, cooking ? { "/cooking": cooking } : {}) };
};

/** Ana sends it, and receives the receipt and the message. */
const anaSays = (message: NewMessage, position: number) => [
  ...ana.sends(MESSAGE, message, receipt(message, position)),
  ...ana.receivesMessage(message, position),
];

const NOWHERE = { label: "Nowhere", name: "/nowhere" };
const INVALID = { message: undefined };
const BURST = 10; // at one event per second the 11th within 10 s is refused: time enough for a slow machine
const LATE: Given = { ...WITH_TOKENS, circumstance: "lateTimer" };
const connected = anaAndBob.connects(); // bob receives no refusal
const connectedAs = (sub: string) => ana.connects({ token: token({ sub }) });

/** `limit` begins the names of the settings that limit the event. */
function refusalDialogues(event: string, valid: object, invalid: RefusalKey, limit: string): Dialogue[] {
  const errors = Object.keys(valid).map((field) => `should have required property '${field}'`);
  const elsewhere = "chatRoom" in valid ? { chatRoom: NOWHERE } : { currentRoom: NOWHERE };
  const settings = { [`${limit}_PER_SECOND`]: "1", [`${limit}_BURST`]: String(BURST) };
  const flood = ana.sends(event, {}, refused(invalid, errors), { ...INVALID, times: BURST }); // counts, too
  const refuses = (
    key: RefusalKey,
    what: string,
    condition: Given,
    before: Step[],
    payload: object = valid,
  ) => {
    const [lines, more] = key === invalid ? [errors, INVALID] : [];
    const steps = [before, ana.isRefused(event, payload, refused(key, lines), more)];
    return given(condition)(`${event} ${what}`, REFUSALS[key].description, steps);
  };
  return [
    refuses(invalid, "that is not valid", {}, connected, {}),
    refuses("unknownRoom", "for an unknown room", {}, connected, { ...valid, ...elsewhere }),
    refuses("tooManyRequests", "too often", { settings }, [...connected, ...flood]),
    refuses("notAllowed", "with the name of another user", WITH_TOKENS, connectedAs("eve")),
    refuses("unauthorized", "after the token expired", LATE, connectedAs("ana")),
    refuses("internal", "and a fault", { circumstance: "fault" }, connected),
  ];
}

export const DIALOGUES: readonly Dialogue[] = [
  dialogue("a message", "Every client receives it, in whichever room it is.", [
    anaAndBob.connects(),
    ana.sends(MESSAGE, HELLO),
    anaAndBob.receivesMessage(HELLO, 1),
  ]),
  dialogue("an acked message, sent twice", "One is broadcast. The uuid with another text is refused.", [
    anaAndBob.connects(),
    anaSays(HELLO, 1),
    bob.receivesMessage(HELLO, 1),
    ana.sends(MESSAGE, HELLO, receipt(HELLO, 1, true)),
    ana.sends(MESSAGE, { ...HELLO, message: "bye" }, refused("uuidAlreadyUsed")),
  ]),
  given({ circumstance: "fullDisk" })("a full disk", "No client receives a message that cannot be stored.", [
    anaAndBob.connects(),
    ana.isRefused(MESSAGE, HELLO, refused("messageNotStored")),
  ]),
  dialogue("presence", "Every client receives it, also a client without a room.", [
    anaAndBob.connects(),
    ana.sends(PRESENCE, ENTERS),
    anaAndBob.receives("presence_information", present({ "/cooking": [ANA] })),
    bob.sends(PRESENCE, { ...BOB, currentRoom: MONEY }, acked(PRESENCE, BOTH)),
    anaAndBob.receives("presence_information", BOTH),
    ana.disconnects(),
    bob.receives("presence_information", present({ "/money": [BOB] })),
  ]),
  dialogue("presence by difference", "The state once, then only changes.", [
    ana.connects(),
    bob.connects({ presence: "diff" }),
    bob.receives("presence_state", present({})),
    ana.sends(PRESENCE, ENTERS),
    ana.receives("presence_information", present({ "/cooking": [ANA] })),
    bob.receives("presence_diff", { joined: { "/cooking": [ANA_WITH_ID] }, left: {} }),
    eve.connects({ presence: "diff" }),
    eve.receives("presence_state", present({ "/cooking": [ANA_WITH_ID] })),
    ana.sends(PRESENCE, { ...ANA, currentRoom: MONEY }),
    ana.receives("presence_information", present({ "/money": [ANA] })),
    client("bob", "eve").receives("presence_diff", MOVES),
  ]),
  dialogue("typing", "The other clients that opted in receive it. A client that disconnects stops typing.", [
    ana.connects(),
    bob.connects({ typing: true }),
    ana.sends(TYPING, TYPES),
    bob.receives("typing_information", TYPES),
    ana.sends(TYPING, STOPS, acked(TYPING, {})),
    bob.receives("typing_information", STOPS),
    ana.sends(TYPING, TYPES),
    bob.receives("typing_information", TYPES),
    ana.disconnects(),
    bob.receives("typing_information", STOPS),
  ]),
  dialogue("resuming", "The client is sent what it missed. With an unknown offset it reads history.", [
    ana.connects(),
    bob.connects({ resume: {} }),
    bob.receives("resumed", resumed()),
    anaSays(HELLO, 1),
    bob.receivesMessage(HELLO, 1, at(1)),
    bob.disconnects(),
    anaSays(EGGS, 2),
    bob.connects({ resume: { "/cooking": at(1), "/money": null } }),
    bob.receivesMessage(EGGS, 2, at(2)),
    bob.receives("resumed", resumed({ recovered: true, replayed: 1, offset: at(2) })),
    eve.connects({ resume: { "/cooking": "000000000000-1" } }),
    eve.receives("resumed", resumed({ recovered: false, replayed: 0, offset: at(2) })),
  ]),
  given({ settings: { REPLAY_ON_CONNECT: "1" } })("a replay for all", "Clients need no opt-in.", [
    ana.connects(),
    anaSays(HELLO, 1),
    bob.connects(),
    bob.receivesMessage(HELLO, 1),
  ]),
  given(WITH_TOKENS)("tokens", "A token has the name of the user and its rooms.", [
    ana.connects({ token: token({ sub: "ana", rooms: ["/cooking"] }) }),
    bob.connects({ token: token({ sub: "bob", rooms: ["/money"] }) }), // receives nothing
    anaSays(HELLO, 1),
    ana.sends(MESSAGE, { ...HELLO, chatRoom: MONEY }, refused("notAllowed")),
    eve.failsToConnect({}, connectError("unauthorized")),
    eve.failsToConnect({ token: "nonsense" }, connectError("unauthorized")),
  ]),
  given(WITHOUT_KEYS)("tokens that cannot be verified", "The public keys cannot be fetched.", [
    ana.failsToConnect({ token: token({ sub: "ana" }, "RS256") }, connectError("notReady")),
  ]),
  dialogue(
    "refused connections",
    "A bad `auth`, no such version of Engine.IO, and a page of another origin.",
    [
      ana.failsToConnect({ typing: "yes" }, connectError("handshakeNotValid", ["should be boolean"])),
      ana.failsToOpen("?EIO=2&transport=polling", refused("badRequest")),
      ana.failsToOpen(POLLING, refused("originNotAllowed"), { Origin: "https://elsewhere.example" }),
    ],
  ),
  given({ settings: { MAX_CONNECTIONS: "1" } })("a full server", "It has all connections that it may have.", [
    ana.connects(),
    bob.failsToOpen(POLLING, refused("tooManyConnections")),
  ]),
  given({ circumstance: "starting" })("a starting server", "It accepts no connections yet.", [
    ana.failsToOpen(POLLING, refused("notReady")),
  ]),
  ...refusalDialogues(MESSAGE, HELLO, "messageNotValid", "MESSAGES"),
  ...refusalDialogues(PRESENCE, ENTERS, "userInfoNotValid", "PRESENCE"),
  ...refusalDialogues(TYPING, TYPES, "typingInfoNotValid", "TYPING"),
  dialogue("an unknown event", "Only a callback receives the refusal.", [
    ana.connects(),
    ana.sends("no_such_event", {}, undefined, { message: "unknown_event" }),
    ana.sends("no_such_event", {}, refused("unknownEvent"), { message: "unknown_event" }),
  ]),
];
