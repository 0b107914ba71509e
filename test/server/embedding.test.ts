import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { ChatService } from "../../src/chat/chatService";
import { EmbeddedMessageLog } from "../../src/messageLog/embedded/embeddedMessageLog";
import { afterThisTest } from "../support/disposal";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { newMessage } from "../support/chat";
import { TestClient } from "../support/testClient";

test("importing the package starts nothing", () => {
  const program = `console.log(Object.keys(require(${JSON.stringify(resolve("dist/index.js"))})).sort().join());`;
  const output = execFileSync(process.execPath, ["-e", program], { encoding: "utf8", timeout: 10_000 });
  expect(output).toBe("App,ChatService,ConfigError,createSharedParts,loadConfig\n");
});

test("a ChatService on the caller's server takes messages under the event name that the caller chooses", async () => {
  const server = createServer((_req, res) => res.end("the caller's own answer"));
  const messageLog = new EmbeddedMessageLog({ directory: temporaryDirectory(), maxMessages: 10 });
  const chat = new ChatService({ server, messageLog, newMessageEventName: "say" });
  await chat.start();
  server.listen(0);
  await once(server, "listening");
  afterThisTest(async () => {
    await chat.close();
    server.close();
    await messageLog.stop();
  });
  const url = `http://localhost:${String((server.address() as AddressInfo).port)}`;
  expect(await (await fetch(`${url}/anything`)).text()).toBe("the caller's own answer");
  const client = await TestClient.connect(url);
  client.socket.emit("say", newMessage({ message: "under another name" }));
  const [heard] = await client.waitFor("/cooking");
  expect(heard).toMatchObject({ data: { message: "under another name" } });
});
