import { client, type Dialogue } from "./dialogue";
import { notConnected, refused } from "./refusals";
import { HELLO, HOW, receipt, said } from "./sampleMessages";
import { envelope, MONEY, offset, perRoom, quiet, token, WITH_TOKENS, WITHOUT_KEYS } from "./sampleValues";

const ana = client("ana");
const bob = client("bob");

const LOST = "000000000000-1"; // an offset of a log that is no more

/** What clients get for what they say, or do not say, when they connect. */
export const HANDSHAKE_DIALOGUES: readonly Dialogue[] = [
  {
    name: "resuming",
    summary:
      "A client that names the last offset it has is sent what it missed, then the live stream goes on.",
    steps: [
      ana.connects(),
      bob.connects({ resume: {} }),
      bob.hears("resumed", envelope({ rooms: perRoom(quiet) })),
      ana.sends("newMessage", HELLO, receipt(HELLO, 1)),
      ana.hearsRoom("/cooking", said(HELLO, 1)),
      bob.hearsRoom("/cooking", said(HELLO, 1), offset("/cooking", 1)),
      bob.disconnects(),
      ana.sends("newMessage", HOW, receipt(HOW, 2)),
      ana.hearsRoom("/cooking", said(HOW, 2)),
      bob.connects({ resume: { "/cooking": offset("/cooking", 1), "/money": null } }),
      bob.hearsRoom("/cooking", said(HOW, 2), offset("/cooking", 2)),
      bob.hears("resumed", envelope({ rooms: perRoom(quiet, { "/cooking": { recovered: true, replayed: 1, offset: offset("/cooking", 2) } }) })), // prettier-ignore
    ],
  },
  {
    name: "an offset that is not known",
    summary: "Nothing is replayed, and the room says so: the client reads history.",
    steps: [
      bob.connects({ resume: { "/cooking": LOST } }),
      bob.hears("resumed", envelope({ rooms: perRoom(quiet, { "/cooking": { ...quiet("/cooking"), recovered: false } }) })), // prettier-ignore
    ],
  },
  {
    name: "replay for everybody",
    summary:
      "With REPLAY_ON_CONNECT a client that asks for nothing gets the last messages as if they were new.",
    settings: { REPLAY_ON_CONNECT: "1" },
    steps: [
      ana.connects(),
      ana.sends("newMessage", HELLO, receipt(HELLO, 1)),
      ana.hearsRoom("/cooking", said(HELLO, 1)),
      bob.connects(),
      bob.hearsRoom("/cooking", said(HELLO, 1)),
    ],
  },
  {
    name: "a handshake that is not valid",
    summary: "The client is not connected, and told why.",
    steps: [ana.isNotConnected({ typing: "yes" }, notConnected("handshakeNotValid", ["should be boolean"]))],
  },
  {
    name: "a token",
    summary: "Where the server asks for tokens, the token's user may write, in the token's rooms.",
    settings: WITH_TOKENS,
    steps: [
      ana.connects({ token: token({ sub: "ana", rooms: ["/cooking"] }) }),
      bob.connects({ token: token({ sub: "bob", rooms: ["/money"] }) }), // hears nothing
      ana.sends("newMessage", HELLO, receipt(HELLO, 1)),
      ana.hearsRoom("/cooking", said(HELLO, 1)),
      ana.sends("newMessage", { ...HELLO, chatRoom: MONEY }, refused("notAllowed")),
    ],
  },
  {
    name: "no token, or a bad one",
    summary: "The client is not connected.",
    settings: WITH_TOKENS,
    steps: [
      ana.isNotConnected({}, notConnected("unauthorized")),
      ana.isNotConnected({ token: "nonsense" }, notConnected("unauthorized")),
    ],
  },
  {
    name: "tokens that cannot be verified",
    summary: "The public keys cannot be had: the client comes back later.",
    settings: WITHOUT_KEYS,
    steps: [ana.isNotConnected({ token: token({ sub: "ana" }, "RS256") }, notConnected("notReady"))],
  },
];
