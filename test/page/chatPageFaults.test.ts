import type { Page } from "playwright-core";
import { historyPage, sendAcked } from "../support/chat";
import { describeWithBinary } from "../support/binaries";
import { sharedBrowser, Visitor } from "../support/browser";
import { freePort } from "../support/freePort";
import { startService } from "../support/service";
import { ServiceProcess } from "../support/serviceProcess";
import { TcpProxy } from "../support/tcpProxy";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { TestClient } from "../support/testClient";

/** Makes Socket.IO unreachable for the page, HTTP stays. Returns a function that restores it. */
async function cutChat(page: Page): Promise<() => Promise<void>> {
  const chat = "**/socket.io/**";
  await page.route(chat, (route) => route.abort());
  await page.routeWebSocket(chat, (socket) => socket.close());
  return () => page.unrouteAll();
}

async function historyTexts(url: string): Promise<string[]> {
  return (await historyPage(url, "/cooking")).messages.map(({ message }) => message);
}

describeWithBinary("chromium", "the chat page", () => {
  const browser = sharedBrowser();

  test("after kill -9 and a restart of the server during a conversation nothing is lost or doubled", async () => {
    const env = { PORT: String(await freePort()), DATA_DIR: temporaryDirectory() };
    const service = await ServiceProcess.start(env);
    const { url } = service;
    const join = (name: string) => Visitor.join(browser(), url, name);
    const [ana, bo] = await Promise.all([join("ana"), join("bo")]);
    const written: string[] = [];
    const say = async (visitor: Visitor, text: string) => {
      written.push(text);
      await visitor.say(text);
    };
    for (let i = 0; i < 5; i += 1) await say(i % 2 ? ana : bo, `before ${String(i)}`);
    service.child.kill("SIGKILL");
    await service.exited;
    await say(ana, "into the void");
    await say(bo, "me too");
    for (const visitor of [ana, bo])
      await visitor.shows("#banner", "You are offline. What you write waits here.");
    await say(ana, "still here");
    await ana.page.locator(".sending", { hasText: "still here" }).waitFor();
    await ServiceProcess.start(env);
    // At the same time: the banner is hidden after 5 s, and one of them may reconnect later than the other.
    await Promise.all([ana, bo].map((visitor) => visitor.shows("#banner", /^Back online/)));
    for (const visitor of [ana, bo]) {
      for (const text of written) await visitor.sees(text);
      await visitor.page.locator(".sending").first().waitFor({ state: "detached" });
    }
    await say(bo, "after");
    await ana.sees("after");
    const stored = await historyTexts(url);
    expect([...stored].sort()).toEqual([...written].sort());
    for (const visitor of [ana, bo]) {
      expect(await visitor.texts()).toEqual(stored);
      expect(visitor.problems).toEqual([]);
    }
    await ana.page.reload();
    await ana.sees("after");
    expect(await ana.texts()).toEqual(stored);
  }, 40_000);

  test("the banner shows the number of messages that were recovered", async () => {
    const { url, port } = await startService();
    const line = await TcpProxy.to(port);
    const ana = await Visitor.join(browser(), `http://127.0.0.1:${String(line.port)}`, "ana");
    const bo = await TestClient.connect(url);
    await sendAcked(bo, { message: "here" });
    await ana.sees("here");
    line.cut();
    await ana.shows("#banner", /^You are offline/);
    for (const message of ["1", "2", "3"]) await sendAcked(bo, { message });
    line.mend();
    await ana.shows("#banner", "Back online · 3 messages recovered");
    expect(await ana.texts()).toEqual(["here", "1", "2", "3"]);
    await ana.page.locator("#banner").waitFor({ state: "hidden" });
  });

  test("when the server returns with another log, that log is shown, and no message is sent again", async () => {
    const env = { PORT: String(await freePort()) };
    const first = await ServiceProcess.start({ ...env, DATA_DIR: temporaryDirectory() });
    const ana = await Visitor.join(browser(), first.url, "ana");
    await ana.say("lost with its disk");
    await ana.sees("lost with its disk");
    first.child.kill("SIGKILL");
    await first.exited;
    await ana.shows("#banner", /^You are offline/);
    const second = await ServiceProcess.start({ ...env, DATA_DIR: temporaryDirectory() });
    await ana.shows("#banner", /^Back online/);
    const bo = await TestClient.connect(second.url);
    await sendAcked(bo, { message: "new" });
    await ana.sees("new");
    await ana.page.locator(".entry", { hasText: "lost" }).waitFor({ state: "detached" });
    expect(await ana.texts()).toEqual(["new"]);
    expect(await historyTexts(second.url)).toEqual(["new"]);
  }, 40_000);

  test("drafts and unsent messages survive a reload, and messages are sent once", async () => {
    const { url } = await startService();
    const bo = await TestClient.connect(url);
    const ana = await Visitor.join(browser(), url, "ana");
    const restore = await cutChat(ana.page);
    await ana.page.reload();
    await ana.shows("#banner", /^You are offline/);
    await ana.say("first");
    await ana.say("second");
    await ana.text.fill("a draft\nof two lines");
    await ana.room("Money").click();
    await ana.say("in money");
    await ana.room("Cooking").click();
    await ana.page.reload();
    await ana.page.locator(".sending", { hasText: "second" }).waitFor();
    expect(await ana.text.inputValue()).toBe("a draft\nof two lines");
    expect(await historyTexts(url)).toEqual([]);
    await restore();
    await ana.page.reload();
    for (const text of ["first", "second"]) await ana.sees(text);
    expect((await bo.waitForArguments("/cooking", 2)).length).toBe(2);
    await bo.waitFor("/money");
    await ana.page.reload();
    await ana.sees("second");
    await sendAcked(bo, { message: "marker" });
    await ana.sees("marker");
    expect(await historyTexts(url)).toEqual(["first", "second", "marker"]);
    expect(await ana.texts()).toEqual(["first", "second", "marker"]);
    expect(bo.queued("/money")).toEqual([]);
  });

  test("a message that was stored, but never acked, is not sent again", async () => {
    const { url } = await startService();
    const bo = await TestClient.connect(url);
    const ana = await Visitor.join(browser(), url, "ana");
    const { uuid } = bo.sendMessage({ username: "ana", message: "stored" });
    await ana.sees("stored");
    // As after a crash between sending and ack.
    const unsent = [{ uuid, room: "/cooking", username: "ana", message: "stored", at: Date.now() }];
    await ana.page.evaluate((text) => (globalThis as unknown as { localStorage: Record<string, string> }).localStorage["chat.unsent"] = text, JSON.stringify(unsent)); // prettier-ignore
    await ana.page.reload();
    await ana.sees("stored");
    await sendAcked(bo, { message: "marker" });
    await ana.sees("marker");
    expect(await ana.texts()).toEqual(["stored", "marker"]);
    expect(await historyTexts(url)).toEqual(["stored", "marker"]);
  });

  test("two windows of one user show the same messages and are listed once", async () => {
    const { url } = await startService();
    const first = await Visitor.join(browser(), url, "ana");
    const page = await first.page.context().newPage();
    await page.goto(`${url}/chat`);
    await page.locator("#people-list .you").waitFor({ state: "attached" });
    await first.say("from the first");
    await page.locator(".entry.own:not(.sending)", { hasText: "from the first" }).waitFor();
    await page.locator("#text").fill("from the second");
    await page.locator("#text").press("Enter");
    await first.sees("from the second");
    expect(await page.locator(".entry .text").allTextContents()).toEqual([
      "from the first",
      "from the second",
    ]);
    await first.shows("#people-total", "1");
    expect(await historyTexts(url)).toEqual(["from the first", "from the second"]);
  });

  test("with storage denied and damaged values in it, the chat works", async () => {
    const { url } = await startService();
    const ana = await Visitor.open(browser(), url);
    await ana.page.addInitScript(() => {
      const { Storage, localStorage } = globalThis as unknown as { Storage: { prototype: object }; localStorage: Record<string, string> }; // prettier-ignore
      for (const key of ["name", "drafts", "unsent", "read"])
        localStorage[`chat.${key}`] = '[{"a":[1]},7,null';
      const deny = () => {
        throw new Error("denied");
      };
      Object.assign(Storage.prototype, { setItem: deny });
    });
    await ana.page.reload();
    await ana.answer("ana");
    await ana.isOnline();
    await ana.say("hello");
    await ana.sees("hello");
    await ana.text.fill("a draft");
    await ana.text.press("Alt+ArrowDown");
    await ana.shows("#room-label", "$$Money$$");
    await ana.text.press("Alt+ArrowUp");
    await ana.shows("#room-label", "Cooking");
    expect(await ana.text.inputValue()).toBe("a draft");
    expect(ana.problems).toEqual([]);
  });

  test("a text that is written before the rooms are loaded stays", async () => {
    const { url } = await startService();
    const ana = await Visitor.join(browser(), url, "ana");
    let release = (): void => undefined;
    const isWritten = new Promise<void>((resolve) => (release = resolve));
    await ana.page.route("**/rooms", async (route) => {
      await isWritten;
      await route.continue();
    });
    await ana.page.reload();
    await ana.text.fill("early");
    release();
    await ana.isOnline();
    expect(await ana.text.inputValue()).toBe("early");
  });
});
