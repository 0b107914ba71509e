import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startService } from "../support/service";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { TestClient } from "../support/testClient";

test("a deployment's own rooms replace the default ones everywhere", async () => {
  const rooms = [{ label: "Tea", name: "/tea" }, { label: "Cakes & more", name: "/cakes_2-x" }]; // prettier-ignore
  const ROOMS_FILE = join(temporaryDirectory(), "rooms.json");
  writeFileSync(ROOMS_FILE, JSON.stringify(rooms));
  const { url } = await startService({ ROOMS_FILE });
  expect(await (await fetch(`${url}/rooms`)).json()).toEqual({ data: { chatRooms: rooms }, error: null });
  const client = await TestClient.connect(url);
  client.sendMessage({ chatRoom: { label: "Tea", name: "/tea" } });
  expect(await client.waitFor("/tea")).toHaveLength(1);
  client.announcePresence({ currentRoom: { label: "Tea", name: "/tea" } });
  const [presence] = await client.waitFor("presence_information");
  expect(presence).toMatchObject({
    data: { usersPerRoom: { "/tea": [{ username: "ana" }], "/cakes_2-x": [] } },
  });
  client.sendMessage();
  expect(await client.waitFor("server_error")).toHaveLength(1);
});
