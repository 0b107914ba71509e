import { ChatClient, type ChatClientOptions, type PresenceInformation } from "../../src/client/chatClient";
import { EMPTY_ROOMS } from "../support/presenceWatcher";
import { afterThisTest } from "../support/disposal";
import { startService } from "../support/service";
import { TestClient } from "../support/testClient";
import { until } from "../support/until";

/** A client, and the latest list that it presented. */
function open(
  url: string,
  username: string,
  options: ChatClientOptions = {},
): { client: ChatClient; shows: (expected: object) => Promise<void> } {
  const client = new ChatClient(url, { username, retryDelay: 20, ...options });
  let latest: PresenceInformation | undefined;
  client.on("presence", (presence) => (latest = presence));
  client.connect();
  afterThisTest(() => client.close());
  const shows = (expected: object) => {
    const wanted = JSON.stringify({ usersPerRoom: { ...EMPTY_ROOMS, ...expected } });
    return until(`${wanted} is shown`, () => JSON.stringify(latest) === wanted);
  };
  return { client, shows };
}

const ana = { username: "ana", avatar: "" };
const bo = { username: "bo", avatar: "" };

test("one list is presented, with the tabs of one user counted once in each room", async () => {
  const { url } = await startService();
  const [first, second, other] = [open(url, "ana"), open(url, "ana"), open(url, "bo")];
  first.client.announcePresence({ avatar: "", room: "/cooking" });
  await other.shows({ "/cooking": [ana] });
  other.client.announcePresence({ avatar: "", room: "/cooking" });
  await other.shows({ "/cooking": [ana, bo] });
  second.client.announcePresence({ avatar: "https://x/a.png", room: "/cooking" });
  await other.shows({ "/cooking": [{ ...ana, avatar: "https://x/a.png" }, bo] });
  second.client.announcePresence({ avatar: "", room: "/pets" });
  await other.shows({ "/cooking": [ana, bo], "/pets": [ana] });
  first.client.close();
  await other.shows({ "/cooking": [bo], "/pets": [ana] });
  second.client.close();
  await other.shows({ "/cooking": [bo] });
});

test("who comes later is shown the same list, and after a lost connection as well", async () => {
  const { url } = await startService();
  const base = await TestClient.connect(url);
  base.announcePresence({ username: "ana", avatar: "" });
  const late = open(url, "bo", { socketOptions: { transports: ["websocket"], reconnectionDelay: 20 } });
  await late.shows({ "/cooking": [ana] });
  late.client.announcePresence({ avatar: "", room: "/pets" });
  await late.shows({ "/cooking": [ana], "/pets": [bo] });
  (late.client as unknown as { socket: TestClient["socket"] }).socket.io.engine.close();
  base.disconnect();
  await late.shows({ "/pets": [bo] });
});

test("an announcement that was one too many is made again", async () => {
  const { url } = await startService({ PRESENCE_PER_SECOND: "2", PRESENCE_BURST: "2" });
  const { client, shows } = open(url, "ana");
  await until("it is online", () => client.status.state === "online");
  for (const room of ["/cooking", "/pets", "/cooking", "/pets", "/money"])
    client.announcePresence({ avatar: "", room });
  await shows({ "/money": [ana] });
});
