import { client, dialogue, dialogueGiven, type Dialogue } from "./dialogue";
import { connectError, HELLO, MONEY, offset, receipt, refused, resumed } from "./samples";
import { token, WITH_TOKENS, WITHOUT_KEYS } from "./samples";

const ana = client("ana");
const bob = client("bob");

const HOW = {
  ...HELLO,
  message: "how long do you boil an egg?",
  uuid: "0b9c8f2e-9a3d-4c55-9d0e-2f6f2f1f7b10",
};
const [BEFORE_ALL, FIRST, SECOND] = [0, 1, 2].map((position) => offset("/cooking", position)) as [
  string,
  string,
  string,
];
const POLLING = "?EIO=4&transport=polling";

/** What clients opt in to, and are refused for, when they connect. */
export const HANDSHAKE_DIALOGUES: readonly Dialogue[] = [
  dialogue("resuming", "The client is sent what it missed, then live messages.", [
    ana.connects(),
    bob.connects({ resume: {} }),
    bob.receives("resumed", resumed()),
    ana.sends("new_message", HELLO, receipt(HELLO, 1)),
    ana.receivesMessage(HELLO, 1),
    bob.receivesMessage(HELLO, 1, FIRST),
    bob.disconnects(),
    ana.sends("new_message", HOW, receipt(HOW, 2)),
    ana.receivesMessage(HOW, 2),
    bob.connects({ resume: { "/cooking": FIRST, "/money": null } }),
    bob.receivesMessage(HOW, 2, SECOND),
    bob.receives("resumed", resumed({ "/cooking": { recovered: true, replayed: 1, offset: SECOND } })),
  ]),
  dialogue("an unknown offset", "The room is not recovered: the client reads history.", [
    bob.connects({ resume: { "/cooking": "000000000000-1" } }),
    bob.receives("resumed", resumed({ "/cooking": { recovered: false, replayed: 0, offset: BEFORE_ALL } })),
  ]),
  dialogueGiven(
    { settings: { REPLAY_ON_CONNECT: "1" } },
    "a replay for every client",
    "With REPLAY_ON_CONNECT clients without opt-ins receive the last messages as ordinary events.",
    [
      ana.connects(),
      ana.sends("new_message", HELLO, receipt(HELLO, 1)),
      ana.receivesMessage(HELLO, 1),
      bob.connects(),
      bob.receivesMessage(HELLO, 1),
    ],
  ),
  dialogue("a handshake that is not valid", "The client is not connected.", [
    ana.failsToConnect({ typing: "yes" }, connectError("handshakeNotValid", ["should be boolean"])),
  ]),
  dialogueGiven(WITH_TOKENS, "a token", "It has the name of the user and its rooms.", [
    ana.connects({ token: token({ sub: "ana", rooms: ["/cooking"] }) }),
    bob.connects({ token: token({ sub: "bob", rooms: ["/money"] }) }), // receives nothing
    ana.sends("new_message", HELLO, receipt(HELLO, 1)),
    ana.receivesMessage(HELLO, 1),
    ana.sends("new_message", { ...HELLO, chatRoom: MONEY }, refused("notAllowed")),
  ]),
  dialogueGiven(
    WITH_TOKENS,
    "no token, or a bad one",
    "The client is not connected.",
    [{}, { token: "nonsense" }].map((auth) => ana.failsToConnect(auth, connectError("unauthorized"))),
  ),
  dialogueGiven(
    WITHOUT_KEYS,
    "tokens that cannot be verified",
    "The public keys cannot be fetched: the client tries again later.",
    [ana.failsToConnect({ token: token({ sub: "ana" }, "RS256") }, connectError("notReady"))],
  ),
  dialogue("a request that is not valid", "There is no such version of Engine.IO.", [
    ana.failsToOpen("?EIO=2&transport=polling", refused("badRequest")),
  ]),
  dialogue("a page of another origin", "The origin is not on the list.", [
    ana.failsToOpen(POLLING, refused("originNotAllowed"), { Origin: "https://elsewhere.example" }),
  ]),
  dialogueGiven(
    { settings: { MAX_CONNECTIONS: "1" } },
    "a full server",
    "It has all the connections that it may have.",
    [ana.connects(), bob.failsToOpen(POLLING, refused("tooManyConnections"))],
  ),
  dialogueGiven({ circumstance: "starting" }, "a starting server", "It accepts no connections yet.", [
    ana.failsToOpen(POLLING, refused("notReady")),
  ]),
];
