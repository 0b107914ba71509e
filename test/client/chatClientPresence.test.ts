import type { ChatClientOptions } from "../../src/client/chatClient";
import { EMPTY_ROOMS } from "../support/presenceWatcher";
import { RecordedChatClient } from "../support/recordedChatClient";
import { startService } from "../support/service";
import { TestClient } from "../support/testClient";
import { until } from "../support/until";

const open = (url: string, username: string, options: ChatClientOptions = {}) =>
  RecordedChatClient.open(url, { username, ...options });

/** Waits until the latest list of users is this one; rooms that are left out are empty. */
function shows({ presence }: RecordedChatClient, expected: object): Promise<void> {
  const wanted = JSON.stringify({ usersPerRoom: { ...EMPTY_ROOMS, ...expected } });
  return until(`${wanted} is shown`, () => JSON.stringify(presence.at(-1)) === wanted);
}

const ana = { username: "ana", avatar: "" };
const bo = { username: "bo", avatar: "" };

test("a user with several connections is listed once in each room", async () => {
  const { url } = await startService();
  const [first, second, other] = [open(url, "ana"), open(url, "ana"), open(url, "bo")];
  first.client.announcePresence({ avatar: "", room: "/cooking" });
  await shows(other, { "/cooking": [ana] });
  other.client.announcePresence({ avatar: "", room: "/cooking" });
  await shows(other, { "/cooking": [ana, bo] });
  second.client.announcePresence({ avatar: "https://x/a.png", room: "/cooking" });
  await shows(other, { "/cooking": [{ ...ana, avatar: "https://x/a.png" }, bo] });
  second.client.announcePresence({ avatar: "", room: "/pets" });
  await shows(other, { "/cooking": [ana, bo], "/pets": [ana] });
  first.client.close();
  await shows(other, { "/cooking": [bo], "/pets": [ana] });
  second.client.close();
  await shows(other, { "/cooking": [bo] });
});

test("a client that connects later, or again, gets the same list", async () => {
  const { url } = await startService();
  const base = await TestClient.connect(url);
  base.announcePresence({ username: "ana", avatar: "" });
  const late = open(url, "bo");
  await shows(late, { "/cooking": [ana] });
  late.client.announcePresence({ avatar: "", room: "/pets" });
  await shows(late, { "/cooking": [ana], "/pets": [bo] });
  late.socket.io.engine.close();
  base.disconnect();
  await shows(late, { "/pets": [bo] });
});

test("an announcement that exceeded the rate limit is made again", async () => {
  const { url } = await startService({ PRESENCE_PER_SECOND: "2", PRESENCE_BURST: "2" });
  const recorded = open(url, "ana");
  await recorded.isOnline();
  for (const room of ["/cooking", "/pets", "/cooking", "/pets", "/money"])
    recorded.client.announcePresence({ avatar: "", room });
  await shows(recorded, { "/money": [ana] });
});
