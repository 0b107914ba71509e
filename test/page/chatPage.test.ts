import { sendAcked } from "../support/chat";
import { describeWithBinary } from "../support/binaries";
import { sharedBrowser, Visitor } from "../support/browser";
import { documentWidth, scrollToTheBeginning, scrollUpAndWait } from "../support/inPage";
import { startService } from "../support/service";
import { TestClient } from "../support/testClient";
import { JWT_SECRET, signed } from "../support/tokens";
import { PETS } from "../support/rooms";

const NO_RATE_LIMITS = { MESSAGES_PER_SECOND: "0", HISTORY_PER_SECOND: "0" };

describeWithBinary("chromium", "the chat page", () => {
  const browser = sharedBrowser();
  const join = (url: string, name: string) => Visitor.join(browser(), url, name);

  test("asks a first visitor for a name, shows the rooms behind the dialog, and remembers the name", async () => {
    const { url } = await startService();
    const ana = await Visitor.open(browser(), url);
    await ana.room("Damn Cute Fur Babies").waitFor();
    await ana.answer("   ");
    await ana.shows("#welcome-note", "A name needs a letter at least.");
    await ana.answer("ana");
    await ana.isOnline();
    await ana.shows("#me-name", "ana");
    await ana.page.reload();
    await ana.isOnline();
    await ana.shows("#me-name", "ana");
    expect(ana.problems).toEqual([]);
  });

  test("two users chat; each sees the other, and recognises their own messages", async () => {
    const { url } = await startService();
    const [ana, bo] = await Promise.all([join(url, "ana"), join(url, "bo")]);
    for (const visitor of [ana, bo]) await visitor.shows("#people-total", "2");
    await ana.shows('#room-list a[aria-current="page"] .count', "2");
    await ana.say("hello");
    await ana.say("anybody there?");
    await bo.sees("anybody there?");
    await bo.say("me");
    for (const visitor of [ana, bo]) {
      await visitor.sees("me");
      expect(await visitor.texts()).toEqual(["hello", "anybody there?", "me"]);
    }
    // Two messages of one user share a header, and one's own are marked in words.
    expect(await ana.page.locator(".entry .by > span").allTextContents()).toEqual(["ana", "you", "bo"]);
    expect(await bo.page.locator(".entry .by > span").allTextContents()).toEqual(["ana", "bo", "you"]);
    await bo.page.close();
    await ana.shows("#people-total", "1");
    expect(ana.problems).toEqual([]);
  });

  test("messages in other rooms are counted as unread until the room is opened, also after a reload", async () => {
    const { url } = await startService();
    const ana = await join(url, "ana");
    const bo = await TestClient.connect(url);
    // At the moment when the page reads the history of the room.
    await sendAcked(bo, { username: "bo", chatRoom: PETS });
    await ana.shows("#room-list .badge", "1");
    await sendAcked(bo, { username: "bo", chatRoom: PETS });
    await sendAcked(bo, { username: "ana", chatRoom: PETS, message: "from another window" });
    await ana.shows("#room-list .badge", "2");
    expect(await ana.page.title()).toBe("(2) Cooking – Chat");
    await ana.page.reload();
    await sendAcked(bo, { username: "bo", chatRoom: PETS });
    await ana.shows("#room-list .badge", "3");
    await ana.room("Fur Babies").click();
    await ana.sees("from another window");
    await ana.badge("Fur Babies").waitFor({ state: "hidden" });
    await ana.shows("#room-label", "Damn Cute Fur Babies");
    expect(await ana.page.title()).toBe("Damn Cute Fur Babies – Chat");
    await ana.page.reload();
    await ana.isOnline();
    expect(await ana.badge("Fur Babies").isVisible()).toBe(false);
    expect(await ana.page.locator("#room-label").textContent()).toBe("Damn Cute Fur Babies");
  });

  test("scrolling up loads history, and visible messages keep their place", async () => {
    const { url } = await startService(NO_RATE_LIMITS);
    const bo = await TestClient.connect(url);
    for (let i = 0; i < 250; i += 1)
      await sendAcked(bo, { username: `u${String(i % 7)}`, message: `number ${String(i)}` });
    const ana = await join(url, "ana");
    await ana.sees("number 249");
    expect(await ana.entry("number 0").count()).toBe(0);
    for (let oldest = 249; oldest > 0;) {
      const moved = await ana.page.evaluate(scrollUpAndWait);
      expect(Math.abs(moved.by)).toBeLessThan(2);
      oldest = Number(moved.oldest.replace("number ", ""));
    }
    await ana.shows("#edge", "This is where Cooking begins");
    await sendAcked(bo, { username: "bo", message: "late" });
    await ana.shows("#newer", "1 new message");
    await ana.page.locator("#newer").click();
    await ana.sees("late");
    await ana.page.locator("#newer").waitFor({ state: "hidden" });
    expect(ana.problems).toEqual([]);
  });

  test("of 5,000 messages only those around the screen are in the document, in order, at every position", async () => {
    const { url } = await startService(NO_RATE_LIMITS);
    const bo = await TestClient.connect(url);
    const sent = Array.from({ length: 5_000 }, (_, i) =>
      sendAcked(bo, { username: `u${String(i % 9)}`, message: String(i) }),
    );
    await Promise.all(sent);
    const ana = await join(url, "ana");
    await ana.sees("4999");
    const { mostInDocument, mostDrawn } = await ana.page.evaluate(scrollToTheBeginning);
    expect(mostInDocument).toBeLessThan(250);
    expect(mostDrawn).toBeLessThan(100); // so that a frame takes little time, however long the history is
    await ana.sees("0");
    const texts = (await ana.texts()).map(Number);
    expect(texts).toEqual(Array.from(texts, (_, i) => i));
    await ana.page.locator("#newer").click();
    await ana.sees("4999");
  }, 60_000);

  test("shows which other users are typing, until they stop", async () => {
    const { url } = await startService();
    const [ana, bo, cy] = await Promise.all([join(url, "ana"), join(url, "bo"), join(url, "cy")]);
    await bo.text.fill("h");
    await ana.shows("#typing", "bo is typing…");
    await cy.text.fill("h");
    await ana.shows("#typing", "bo and cy are typing…");
    await cy.text.fill("");
    await ana.shows("#typing", "bo is typing…");
    await bo.shows("#typing", "");
    await bo.text.press("Enter");
    await ana.sees("h");
    await ana.shows("#typing", "");
    await bo.text.fill("something");
    await ana.shows("#typing", "bo is typing…");
    await bo.room("Money").click();
    await ana.shows("#typing", "");
  });

  test("a refused message is marked, and can be sent again or discarded", async () => {
    const { url } = await startService({ JWT_SECRET });
    const ana = await Visitor.open(browser(), url);
    await ana.answer("ana");
    await ana.page.getByLabel("This server asks for a token").fill("garbled");
    await ana.page.keyboard.press("Enter");
    await ana.shows("#welcome-note", "The server does not take this token.");
    await ana.page.getByLabel("This server asks for a token").fill(await signed({ rooms: ["/pets"] }));
    await ana.page.keyboard.press("Enter");
    await ana.shows("#edge", /^Older messages could not be read: Not allowed/);
    await ana.shows("#note", "Not allowed"); // the presence in this room is refused, too
    await ana.say("hello");
    await ana.shows(".failure", /^Not sent \(Not allowed\)/);
    await ana.page.getByRole("button", { name: "Retry" }).click();
    await ana.shows(".failure", /^Not sent \(Not allowed\)/);
    await ana.page.getByRole("button", { name: "Discard" }).click();
    await ana.page.locator(".entry").waitFor({ state: "detached" });
    await ana.room("Fur Babies").click();
    await ana.isOnline();
    await ana.say("hello");
    await ana.sees("hello");
  });

  test("markup, script addresses, odd names and odd pictures are shown as text", async () => {
    const { url } = await startService();
    const hostile = [
      "<script>alert(1)</script>",
      '<img src="x" onerror="alert(2)">',
      "javascript:alert(3) JAVASCRIPT:alert(3) data:text/html,<b>x</b>",
      "https://example.com/?q=<script>\"onmouseover='alert(4)",
      "\u202egnp.exe \u2066 \u0000 \u200b",
      "x".repeat(4_000),
      "a\n\n\n\tb",
    ];
    const ana = await join(url, "ana");
    const bo = await TestClient.connect(url);
    for (const message of hostile) await sendAcked(bo, { username: "<b>bo</b>", message });
    bo.announcePresence({ username: "<b>bo</b>", avatar: 'x" onerror="alert(5)' });
    const cy = await TestClient.connect(url);
    cy.announcePresence({ username: "__proto__", avatar: "http://example.com/a.png" });
    await ana.shows("#people-total", "3");
    const last = ana.page.locator(".entry .text").nth(hostile.length - 1);
    await last.waitFor();
    expect(await ana.texts()).toEqual(hostile);
    expect(await ana.page.locator(".entry .name").allTextContents()).toEqual(["<b>bo</b>"]);
    expect(await ana.page.locator("#people-list .name bdi").allTextContents()).toEqual([
      "ana",
      "<b>bo</b>",
      "__proto__",
    ]);
    const links = await ana.page.locator(".entry a").evaluateAll((all) => all.map((a) => [a.getAttribute("href"), a.getAttribute("rel"), a.getAttribute("target")])); // prettier-ignore
    expect(links).toEqual([["https://example.com/?q=", "noopener noreferrer", "_blank"]]);
    expect(await ana.page.locator("main img, main script, aside img, main b").count()).toBe(0);
    expect(await ana.page.evaluate(documentWidth)).toBeLessThanOrEqual(1280);
    expect(ana.problems).toEqual([]);
  });

  test("the name can be changed, and others see it", async () => {
    const { url } = await startService();
    const [ana, bo] = await Promise.all([join(url, "ana"), join(url, "bo")]);
    await ana.say("before");
    await ana.sees("before");
    await ana.page.getByRole("button", { name: "Change name" }).click();
    await ana.answer("anna");
    await ana.shows("#me-name", "anna");
    await ana.say("after");
    await bo.sees("after");
    expect(await bo.page.locator(".entry .name").allTextContents()).toEqual(["ana", "anna"]);
    expect(await ana.page.locator(".entry .by > span").allTextContents()).toEqual(["ana", "anna", "you"]);
  });
});
