import type { PresentClient, PresentUser } from "../../src/protocol/events";
import type { NewMessage } from "../../src/protocol/payloads";
import { client, given, type Dialogue } from "./dialogue";
import { REFUSAL_DIALOGUES } from "./refusalDialogues";
import * as samples from "./samples";
import { acked, connectError, COOKING, HELLO, MONEY, perRoom, receipt, refused, token } from "./samples";

const dialogue = given({});
const withTokens = given(samples.WITH_TOKENS);
const ana = client("ana");
const bob = client("bob");
const eve = client("eve");
const anaAndBob = client("ana", "bob");

const ANA: PresentUser = { username: "ana", avatar: "https://example.com/ana.png" };
const BOB: PresentUser = { username: "bob", avatar: "" };
const ANA_WITH_ID: PresentClient = { id: "kZ3xW8pQv1nT", ...ANA };
const TYPES = { username: "ana", chatRoom: COOKING, isTyping: true };
const STOPS = { ...TYPES, isTyping: false };
const HOW = {
  ...HELLO,
  message: "how long do you boil an egg?",
  uuid: "0b9c8f2e-9a3d-4c55-9d0e-2f6f2f1f7b10",
};
const [ZEROTH, FIRST, SECOND] = [0, 1, 2].map((n) => samples.offset("/cooking", n)) as [
  string,
  string,
  string,
];
const POLLING = "?EIO=4&transport=polling";

/** The data of presence: all rooms are empty except for these. */
const present = (users: Record<string, PresentUser[]>) => ({ usersPerRoom: perRoom(() => [], users) });
const BOTH = present({ "/cooking": [ANA], "/money": [BOB] });

/** Ana sends it, and receives the receipt and the message. */
const anaSays = (message: NewMessage, position: number) => [
  ...ana.sends("new_message", message, receipt(message, position)),
  ...ana.receivesMessage(message, position),
];

export const DIALOGUES: readonly Dialogue[] = [
  dialogue("a message", "Every client receives it, in whichever room it is.", [
    anaAndBob.connects(),
    ana.sends("new_message", HELLO),
    anaAndBob.receivesMessage(HELLO, 1),
  ]),
  dialogue("an acked message, sent twice", "One is broadcast. The uuid with another text is refused.", [
    anaAndBob.connects(),
    anaSays(HELLO, 1),
    bob.receivesMessage(HELLO, 1),
    ana.sends("new_message", HELLO, receipt(HELLO, 1, true)),
    ana.sends("new_message", { ...HELLO, message: "bye" }, refused("uuidAlreadyUsed")),
  ]),
  given({ circumstance: "fullDisk" })("a full disk", "No client receives a message that cannot be stored.", [
    anaAndBob.connects(),
    ana.isRefused("new_message", HELLO, refused("messageNotStored")),
  ]),
  dialogue("presence", "Every client receives it, also a client without a room.", [
    anaAndBob.connects(),
    ana.sends("new_presence_information", { ...ANA, currentRoom: COOKING }),
    anaAndBob.receives("presence_information", present({ "/cooking": [ANA] })),
    bob.sends(
      "new_presence_information",
      { ...BOB, currentRoom: MONEY },
      acked("new_presence_information", BOTH),
    ),
    anaAndBob.receives("presence_information", BOTH),
    ana.disconnects(),
    bob.receives("presence_information", present({ "/money": [BOB] })),
  ]),
  dialogue("presence by difference", "The state once, then only changes.", [
    ana.connects(),
    bob.connects({ presence: "diff" }),
    bob.receives("presence_state", present({})),
    ana.sends("new_presence_information", { ...ANA, currentRoom: COOKING }),
    ana.receives("presence_information", present({ "/cooking": [ANA] })),
    bob.receives("presence_diff", { joined: { "/cooking": [ANA_WITH_ID] }, left: {} }),
    eve.connects({ presence: "diff" }),
    eve.receives("presence_state", present({ "/cooking": [ANA_WITH_ID] })),
    ana.sends("new_presence_information", { ...ANA, currentRoom: MONEY }),
    ana.receives("presence_information", present({ "/money": [ANA] })),
    client("bob", "eve").receives("presence_diff", {
      joined: { "/money": [ANA_WITH_ID] },
      left: { "/cooking": [ANA_WITH_ID.id] },
    }),
  ]),
  dialogue("typing", "The other clients that opted in receive it. A client that disconnects stops typing.", [
    ana.connects(),
    bob.connects({ typing: true }),
    ana.sends("new_typing_information", TYPES),
    bob.receives("typing_information", TYPES),
    ana.sends("new_typing_information", STOPS, acked("new_typing_information", {})),
    bob.receives("typing_information", STOPS),
    ana.sends("new_typing_information", TYPES),
    bob.receives("typing_information", TYPES),
    ana.disconnects(),
    bob.receives("typing_information", STOPS),
  ]),
  dialogue("resuming", "The client is sent what it missed, then live messages.", [
    ana.connects(),
    bob.connects({ resume: {} }),
    bob.receives("resumed", samples.resumed()),
    anaSays(HELLO, 1),
    bob.receivesMessage(HELLO, 1, FIRST),
    bob.disconnects(),
    anaSays(HOW, 2),
    bob.connects({ resume: { "/cooking": FIRST, "/money": null } }),
    bob.receivesMessage(HOW, 2, SECOND),
    bob.receives(
      "resumed",
      samples.resumed({ "/cooking": { recovered: true, replayed: 1, offset: SECOND } }),
    ),
  ]),
  dialogue("an unknown offset", "The room is not recovered: the client reads history.", [
    bob.connects({ resume: { "/cooking": "000000000000-1" } }),
    bob.receives(
      "resumed",
      samples.resumed({ "/cooking": { recovered: false, replayed: 0, offset: ZEROTH } }),
    ),
  ]),
  given({ settings: { REPLAY_ON_CONNECT: "1" } })(
    "a replay for all",
    "Clients without opt-ins receive it, too.",
    [ana.connects(), anaSays(HELLO, 1), bob.connects(), bob.receivesMessage(HELLO, 1)],
  ),
  dialogue("a handshake that is not valid", "The client is not connected.", [
    ana.failsToConnect({ typing: "yes" }, connectError("handshakeNotValid", ["should be boolean"])),
  ]),
  withTokens("a token", "It has the name of the user and its rooms.", [
    ana.connects({ token: token({ sub: "ana", rooms: ["/cooking"] }) }),
    bob.connects({ token: token({ sub: "bob", rooms: ["/money"] }) }), // receives nothing
    anaSays(HELLO, 1),
    ana.sends("new_message", { ...HELLO, chatRoom: MONEY }, refused("notAllowed")),
  ]),
  withTokens("no token, or a bad one", "The client is not connected.", [
    ana.failsToConnect({}, connectError("unauthorized")),
    ana.failsToConnect({ token: "nonsense" }, connectError("unauthorized")),
  ]),
  given(samples.WITHOUT_KEYS)("tokens that cannot be verified", "The public keys cannot be fetched.", [
    ana.failsToConnect({ token: token({ sub: "ana" }, "RS256") }, connectError("notReady")),
  ]),
  dialogue("a request that is not valid", "There is no such version of Engine.IO.", [
    ana.failsToOpen("?EIO=2&transport=polling", refused("badRequest")),
  ]),
  dialogue("a page of another origin", "The origin is not on the list.", [
    ana.failsToOpen(POLLING, refused("originNotAllowed"), { Origin: "https://elsewhere.example" }),
  ]),
  given({ settings: { MAX_CONNECTIONS: "1" } })("a full server", "It has all connections that it may have.", [
    ana.connects(),
    bob.failsToOpen(POLLING, refused("tooManyConnections")),
  ]),
  given({ circumstance: "starting" })("a starting server", "It accepts no connections yet.", [
    ana.failsToOpen(POLLING, refused("notReady")),
  ]),
  ...REFUSAL_DIALOGUES,
];
