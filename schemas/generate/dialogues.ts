import type { PresentClient, PresentUser } from "../../src/protocol/events";
import { client, dialogue, dialogueGiven, type Dialogue } from "./dialogue";
import { HANDSHAKE_DIALOGUES } from "./handshakeDialogues";
import { REFUSAL_DIALOGUES } from "./refusalDialogues";
import { acked, COOKING, HELLO, MONEY, perRoom, receipt, refused } from "./samples";

const ana = client("ana");
const bob = client("bob");
const eve = client("eve");
const anaAndBob = client("ana", "bob");

const ANA: PresentUser = { username: "ana", avatar: "https://example.com/ana.png" };
const BOB: PresentUser = { username: "bob", avatar: "" };
const ANA_WITH_ID: PresentClient = { id: "kZ3xW8pQv1nT", ...ANA };
const TYPES = { username: "ana", chatRoom: COOKING, isTyping: true };
const STOPS = { ...TYPES, isTyping: false };

/** The data of presence: all rooms are empty except for these. */
function present(users: Record<string, PresentUser[]>) {
  return { usersPerRoom: perRoom(() => [], users) };
}

const ANA_AND_BOB = present({ "/cooking": [ANA], "/money": [BOB] });

export const DIALOGUES: readonly Dialogue[] = [
  dialogue("a message", "Every client receives it, in whichever room it is.", [
    anaAndBob.connects(),
    ana.sends("new_message", HELLO),
    anaAndBob.receivesMessage(HELLO, 1),
  ]),
  dialogue("an acked message, sent twice", "Both have the same receipt; only one is broadcast.", [
    anaAndBob.connects(),
    ana.sends("new_message", HELLO, receipt(HELLO, 1)),
    anaAndBob.receivesMessage(HELLO, 1),
    ana.sends("new_message", HELLO, receipt(HELLO, 1, true)),
  ]),
  dialogue("a uuid used twice", "The same user, room and uuid with another text are refused.", [
    ana.connects(),
    ana.sends("new_message", HELLO, receipt(HELLO, 1)),
    ana.receivesMessage(HELLO, 1),
    ana.sends("new_message", { ...HELLO, message: "bye" }, refused("uuidAlreadyUsed")),
  ]),
  dialogueGiven(
    { circumstance: "fullDisk" },
    "a full disk",
    "A message that cannot be stored is refused, and no client receives it.",
    [
      anaAndBob.connects(),
      ana.sends("new_message", HELLO, refused("messageNotStored")),
      ana.sends("new_message", HELLO),
      ana.receivesRefusal(refused("messageNotStored")),
    ],
  ),
  dialogue("presence", "Every client receives it, also a client without a room.", [
    anaAndBob.connects(),
    ana.sends("new_presence_information", { ...ANA, currentRoom: COOKING }),
    anaAndBob.receives("presence_information", present({ "/cooking": [ANA] })),
    bob.sends(
      "new_presence_information",
      { ...BOB, currentRoom: MONEY },
      acked("new_presence_information", ANA_AND_BOB),
    ),
    anaAndBob.receives("presence_information", ANA_AND_BOB),
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
  dialogue("typing", "Sent to the other clients that opted in, not to the client that types.", [
    ana.connects(),
    bob.connects({ typing: true }),
    ana.sends("new_typing_information", TYPES),
    bob.receives("typing_information", TYPES),
    ana.sends("new_typing_information", STOPS, acked("new_typing_information", {})),
    bob.receives("typing_information", STOPS),
  ]),
  dialogue("disconnecting while typing", "A client that disconnects stops typing.", [
    ana.connects(),
    bob.connects({ typing: true }),
    ana.sends("new_typing_information", TYPES, acked("new_typing_information", {})),
    bob.receives("typing_information", TYPES),
    ana.disconnects(),
    bob.receives("typing_information", STOPS),
  ]),
  ...HANDSHAKE_DIALOGUES,
  ...REFUSAL_DIALOGUES,
];
