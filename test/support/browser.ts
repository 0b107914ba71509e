import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from "playwright-core";
import { findBinary } from "./binaries";
import { afterThisTest } from "./disposal";

const DEADLINE_MS = 10_000; // only a failing test reaches it
/** Console messages of the browser itself when the server is down or not ready. */
const NO_ANSWER =
  /ERR_CONNECTION_REFUSED|ERR_FAILED|ERR_ABORTED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket is closed|status of 503/;

export function launch(): Promise<Browser> {
  // Chromium refuses to run as root with its sandbox.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: findBinary("chromium") ?? "", args });
}

/** Launches one browser for all tests of a suite. */
export function sharedBrowser(): () => Browser {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());
  return () => browser;
}

/** A user of the chat page, in a browser context of their own. */
export class Visitor {
  readonly page: Page;
  /** Uncaught errors, violations of the page's policy, dialogs, and other errors and warnings of the console. */
  readonly problems: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(DEADLINE_MS);
    page.on("pageerror", (error) => this.problems.push(error.message));
    page.on("console", (message) => {
      const isProblem = ["error", "warning"].includes(message.type()) && !NO_ANSWER.test(message.text());
      if (isProblem) this.problems.push(message.text());
    });
    page.on("dialog", (dialog) => {
      this.problems.push(dialog.message());
      void dialog.dismiss();
    });
  }

  /** Opens the page; does not answer its dialog. */
  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visitor> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    afterThisTest(() => context.close());
    const visitor = new Visitor(await context.newPage());
    await visitor.page.goto(`${url}/chat`);
    return visitor;
  }

  /** Opens the page, enters the name and waits until it is on the list of people. */
  static async join(
    browser: Browser,
    url: string,
    name: string,
    options: BrowserContextOptions = {},
  ): Promise<Visitor> {
    const visitor = await Visitor.open(browser, url, options);
    await visitor.answer(name);
    await visitor.isOnline();
    return visitor;
  }

  async answer(name: string): Promise<void> {
    await this.page.getByRole("textbox", { name: "What should people call you?" }).fill(name);
    await this.page.keyboard.press("Enter");
  }

  /** Waits until their own name is on the list of people. */
  async isOnline(): Promise<void> {
    await this.page.locator("#people-list .you").waitFor({ state: "attached" });
  }

  get text(): Locator {
    return this.page.locator("#text");
  }

  /** Writes and sends a message; does not wait until it is stored. */
  async say(message: string): Promise<void> {
    await this.text.fill(message);
    await this.text.press("Enter");
  }

  /** The entries with exactly this text. */
  entry(message: string): Locator {
    return this.page
      .locator(".entry")
      .filter({ has: this.page.locator(".text", { hasText: exactly(message) }) });
  }

  /** Waits until this message is shown as a stored one. */
  async sees(message: string): Promise<void> {
    await this.page
      .locator(".entry:not(.sending):not(.failed) .text", { hasText: exactly(message) })
      .first()
      .waitFor();
  }

  /** The texts of all messages in the document. */
  texts(): Promise<string[]> {
    return this.page.locator(".entry .text").allTextContents();
  }

  room(label: string): Locator {
    return this.page.locator("#room-list a", { hasText: label });
  }

  badge(label: string): Locator {
    return this.room(label).locator(".badge");
  }

  /** Waits until the element has this text. */
  async shows(selector: string, text: string | RegExp): Promise<void> {
    await this.page.locator(selector, { hasText: typeof text === "string" ? exactly(text) : text }).waitFor();
  }

  async scrollTo(top: number): Promise<void> {
    await this.page.locator("#scroller").evaluate((scroller, to) => (scroller.scrollTop = to), top);
  }
}

function exactly(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);
}
