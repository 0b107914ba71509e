import type { PresentClient, PresentUser } from "../../src/protocol/events";
import { client, type Dialogue } from "./dialogue";
import { HANDSHAKE_DIALOGUES } from "./handshakeDialogues";
import { refused } from "./refusals";
import { REFUSAL_DIALOGUES } from "./refusalDialogues";
import { HELLO, receipt, said } from "./sampleMessages";
import { COOKING, envelope, MONEY, perRoom } from "./sampleValues";

const ana = client("ana");
const bob = client("bob");
const eve = client("eve");

function present(exceptions: Record<string, PresentUser[]>) {
  return envelope({ usersPerRoom: perRoom<PresentUser[]>(() => [], exceptions) });
}

function presentClients(exceptions: Record<string, PresentClient[]>) {
  return envelope({ usersPerRoom: perRoom<PresentClient[]>(() => [], exceptions) });
}

const ANA: PresentUser = { username: "ana", avatar: "https://example.com/ana.png" };
const ANA_HERE: PresentClient = { id: "kZ3xW8pQv1nT", ...ANA };
const BOB: PresentUser = { username: "bob", avatar: "" };
const ANA_TYPES = { username: "ana", chatRoom: COOKING, isTyping: true };

export const DIALOGUES: readonly Dialogue[] = [
  {
    name: "a message",
    summary: "Every client hears it, whichever room it is looking at; the sender passed no callback.",
    steps: [
      ana.connects(),
      bob.connects(),
      ana.sends("newMessage", HELLO),
      ana.hearsRoom("/cooking", said(HELLO, 1)),
      bob.hearsRoom("/cooking", said(HELLO, 1)),
    ],
  },
  {
    name: "an acked message, sent again",
    summary:
      "The callback gets a receipt; who sends the same again gets the first one's, and nobody hears it twice.",
    steps: [
      ana.connects(),
      bob.connects(),
      ana.sends("newMessage", HELLO, receipt(HELLO, 1)),
      ana.hearsRoom("/cooking", said(HELLO, 1)),
      bob.hearsRoom("/cooking", said(HELLO, 1)),
      ana.sends("newMessage", HELLO, receipt(HELLO, 1, true)),
    ],
  },
  {
    name: "a uuid used twice",
    summary: "The same user, room and uuid with another text are refused.",
    steps: [
      ana.connects(),
      ana.sends("newMessage", HELLO, receipt(HELLO, 1)),
      ana.hearsRoom("/cooking", said(HELLO, 1)),
      ana.sends("newMessage", { ...HELLO, message: "bye" }, refused("uuidAlreadyUsed")),
    ],
  },
  {
    name: "a full disk",
    summary: "A message that cannot be stored is refused, and nobody hears it.",
    circumstance: "fullDisk",
    steps: [
      ana.connects(),
      bob.connects(),
      ana.sends("newMessage", HELLO, refused("messageNotStored")),
      ana.sends("newMessage", HELLO),
      ana.hears("serverError", refused("messageNotStored")),
    ],
  },
  {
    name: "coming and going",
    summary:
      "Everybody hears of it, also who is in no room; a new name in the same room goes without an event.",
    steps: [
      ana.connects(),
      bob.connects(),
      ana.sends("newPresenceInformation", { ...ANA, currentRoom: COOKING }),
      ana.hears("presenceInformation", present({ "/cooking": [ANA] })),
      bob.hears("presenceInformation", present({ "/cooking": [ANA] })),
      bob.sends("newPresenceInformation", { ...BOB, currentRoom: MONEY }, present({ "/cooking": [ANA], "/money": [BOB] })), // prettier-ignore
      ana.hears("presenceInformation", present({ "/cooking": [ANA], "/money": [BOB] })),
      bob.hears("presenceInformation", present({ "/cooking": [ANA], "/money": [BOB] })),
      ana.disconnects(),
      bob.hears("presenceInformation", present({ "/money": [BOB] })),
    ],
  },
  {
    name: "presence by difference",
    summary: "The state once, then only what changes; `id` names one connection's presence, not its user.",
    steps: [
      ana.connects(),
      bob.connects({ presence: "diff" }),
      bob.hears("presenceState", presentClients({})),
      ana.sends("newPresenceInformation", { ...ANA, currentRoom: COOKING }),
      ana.hears("presenceInformation", present({ "/cooking": [ANA] })),
      bob.hears("presenceDiff", envelope({ joined: { "/cooking": [ANA_HERE] }, left: {} })),
      eve.connects({ presence: "diff" }),
      eve.hears("presenceState", presentClients({ "/cooking": [ANA_HERE] })),
      ana.sends("newPresenceInformation", { ...ANA, currentRoom: MONEY }, present({ "/money": [ANA] })),
      ana.hears("presenceInformation", present({ "/money": [ANA] })),
      bob.hears(
        "presenceDiff",
        envelope({ joined: { "/money": [ANA_HERE] }, left: { "/cooking": [ANA_HERE.id] } }),
      ),
      eve.hears(
        "presenceDiff",
        envelope({ joined: { "/money": [ANA_HERE] }, left: { "/cooking": [ANA_HERE.id] } }),
      ),
    ],
  },
  {
    name: "writing",
    summary: "Told to the others that asked for it: not to the one who writes.",
    steps: [
      ana.connects(),
      bob.connects({ typing: true }),
      ana.sends("newTypingInformation", ANA_TYPES),
      bob.hears("typingInformation", envelope(ANA_TYPES)),
      ana.sends("newTypingInformation", { ...ANA_TYPES, isTyping: false }, envelope({})),
      bob.hears("typingInformation", envelope({ ...ANA_TYPES, isTyping: false })),
    ],
  },
  {
    name: "vanishing while writing",
    summary: "Who is gone has stopped.",
    steps: [
      ana.connects(),
      bob.connects({ typing: true }),
      ana.sends("newTypingInformation", ANA_TYPES, envelope({})),
      bob.hears("typingInformation", envelope(ANA_TYPES)),
      ana.disconnects(),
      bob.hears("typingInformation", envelope({ ...ANA_TYPES, isTyping: false })),
    ],
  },
  ...HANDSHAKE_DIALOGUES,
  ...REFUSAL_DIALOGUES,
];
