import { gzipSync } from "node:zlib";
import { sendAcked } from "../support/chat";
import { describeWithBinary } from "../support/binaries";
import { sharedBrowser, Visitor } from "../support/browser";
import { contrasts, documentWidth, focusOutline, smallTargets, unnamedControls } from "../support/inPage";
import { startService } from "../support/service";
import { TestClient } from "../support/testClient";

const FILES = ["/chat", "/chat/chat.css", "/chat/chat.js"];

test("the page is three files, its script no more than 60 KB compressed", async () => {
  const { url } = await startService();
  const [html = "", , script = ""] = await Promise.all(
    FILES.map(async (path) => (await fetch(url + path)).text()),
  );
  expect(gzipSync(script).length).toBeLessThan(60 * 1024);
  const loaded = [...html.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, path]) => path);
  expect(loaded.sort()).toEqual(FILES.slice(1));
  expect(html).not.toMatch(/<style|style=|<script>|\son\w+=/);
});

test("its policy allows its own files and pictures only", async () => {
  const { url } = await startService();
  for (const path of FILES) {
    const { headers } = await fetch(url + path);
    const policy = (headers.get("content-security-policy") ?? "").split("; ");
    expect(policy.sort()).toEqual([
      "base-uri 'none'",
      "connect-src 'self'",
      "default-src 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "img-src https: data:",
      "require-trusted-types-for 'script'",
      "script-src 'self'",
      "style-src 'self'",
    ]);
  }
});

test("unchanged files are answered with 304, and other methods are refused", async () => {
  const { url } = await startService();
  for (const path of FILES) {
    const { headers } = await fetch(url + path);
    const again = await fetch(url + path, {
      headers: { "If-None-Match": headers.get("etag") ?? "", "Cache-Control": "max-age=0" },
    });
    expect([again.status, headers.get("cache-control")]).toEqual([304, "no-cache"]);
    expect((await fetch(url + path, { method: "POST" })).status).toBe(405);
  }
});

test("CHAT_PAGE=off removes it", async () => {
  const { url } = await startService({ CHAT_PAGE: "off" });
  for (const path of FILES) expect((await fetch(url + path)).status).toBe(404);
});

describeWithBinary("chromium", "the chat page", () => {
  const browser = sharedBrowser();

  async function conversation(url: string): Promise<void> {
    const bo = await TestClient.connect(url);
    bo.announcePresence({ username: "bo ".repeat(20).trim(), avatar: "" });
    await sendAcked(bo, { username: "bo ".repeat(20).trim(), message: "w".repeat(300) });
    await sendAcked(bo, { username: "cy", message: "and https://example.com/".padEnd(400, "x") });
  }

  test.each(["light", "dark"] as const)(
    "text has enough contrast with its background, in the %s scheme",
    async (colorScheme) => {
      const { url } = await startService();
      await conversation(url);
      const ana = await Visitor.join(browser(), url, "ana", { colorScheme });
      await ana.say("mine");
      await ana.sees("mine");
      const found = await ana.page.evaluate(contrasts);
      expect(found.length).toBeGreaterThan(15);
      expect(found.filter(({ ratio }) => !(ratio >= 4.5))).toEqual([]);
    },
  );

  test.each([320, 390, 768, 900, 1280, 1920])("nothing overflows at a width of %i", async (width) => {
    const { url } = await startService();
    await conversation(url);
    const ana = await Visitor.join(browser(), url, "a".repeat(64), { viewport: { width, height: 700 } });
    await ana.sees("w".repeat(300));
    expect(await ana.page.evaluate(documentWidth)).toBe(width);
    for (const pane of ["#rooms-open", "#people-open"]) {
      if (!(await ana.page.locator(pane).isVisible())) continue;
      await ana.page.locator(pane).click();
      expect(await ana.page.evaluate(documentWidth)).toBe(width);
      await ana.page.keyboard.press("Escape");
    }
  });

  test("on a phone one pane is visible at a time, and every control can be tapped", async () => {
    const { url } = await startService();
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
    const ana = await Visitor.join(browser(), url, "ana", phone);
    const { page } = ana;
    const panes = async () => Promise.all(["#rooms", ".conversation", "#people"].map((pane) => page.locator(pane).isVisible())); // prettier-ignore
    expect(await panes()).toEqual([false, true, false]);
    expect(await page.evaluate(smallTargets)).toEqual([]);
    await page.getByRole("button", { name: "Rooms", exact: true }).tap();
    expect(await panes()).toEqual([true, false, false]);
    expect(await page.evaluate(smallTargets)).toEqual([]);
    await ana.room("Money").tap();
    expect(await panes()).toEqual([false, true, false]);
    await ana.shows("#room-label", "$$Money$$");
    await page.getByRole("button", { name: "people in this room" }).tap();
    expect(await panes()).toEqual([false, false, true]);
    await page.getByRole("button", { name: "Close the list of people" }).tap();
    await ana.say("from my phone");
    await ana.sees("from my phone");
    const composer = await page.locator("#composer").boundingBox();
    expect((composer?.y ?? 0) + (composer?.height ?? 0)).toBeLessThanOrEqual(844);
  });

  test("everything works with the keyboard, and the focus is always visible", async () => {
    const { url } = await startService();
    const ana = await Visitor.join(browser(), url, "ana", { viewport: { width: 900, height: 700 } });
    const { keyboard } = ana.page;
    const focused = () => ana.page.locator(":focus").getAttribute("id");
    expect(await focused()).toBe("text");
    await keyboard.type("one");
    await keyboard.press("Shift+Enter");
    await keyboard.type("two");
    await keyboard.press("Enter");
    await ana.page.locator(".entry:not(.sending)").waitFor();
    expect(await ana.texts()).toEqual(["one\ntwo"]);
    await keyboard.press("Alt+ArrowDown");
    await ana.shows("#room-label", "$$Money$$");
    await keyboard.press("Alt+ArrowUp");
    await keyboard.press("Alt+ArrowUp");
    await ana.shows("#room-label", "Damn Cute Fur Babies");
    expect(await focused()).toBe("text");
    await ana.page.locator("#people-open").press("Enter");
    expect(await focused()).toBe("people-close");
    await keyboard.press("Escape");
    expect(await focused()).toBe("people-open");
    await ana.room("Cooking").press("Enter");
    await ana.shows("#room-label", "Cooking");
    await ana.page.locator("#rename").press("Enter");
    expect(await focused()).toBe("name");
    await keyboard.press("Escape");
    expect(await focused()).toBe("rename");
    // Every element that Tab reaches has a visible outline.
    for (let i = 0; i < 15; i += 1) {
      await keyboard.press("Tab");
      expect(await ana.page.evaluate(focusOutline)).not.toBe("none");
    }
  });

  test("every part has an accessible name, and only new messages are announced", async () => {
    const { url } = await startService();
    const ana = await Visitor.join(browser(), url, "ana");
    const { page } = ana;
    const log = page.getByRole("log", { name: "Messages" });
    expect(await log.getAttribute("aria-live")).toBe("polite");
    expect(await page.evaluate(unnamedControls)).toEqual([]);
    for (const [role, name] of [
      ["navigation", "Rooms"],
      ["complementary", "People in this room"],
      ["textbox", "Message"],
    ] as const)
      // prettier-ignore
      await page.getByRole(role, { name }).waitFor();
    await page.getByRole("main").waitFor();
    // The log is busy while another room is drawn, so that its messages are not announced.
    await ana.room("Money").click();
    await page.locator("#messages:not([aria-busy])").waitFor({ state: "attached" });
    const bo = await TestClient.connect(url);
    await sendAcked(bo, { username: "bo", chatRoom: { label: "$", name: "/money" }, message: "news" });
    await log.getByText("news").waitFor();
    expect(await log.getAttribute("aria-busy")).toBeNull();
  });
});
