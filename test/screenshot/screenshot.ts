/** Takes the screenshot in README: a conversation on the chat page. */
import { join } from "node:path";
import { launch, Visitor } from "../support/browser";
import { disposeOfAll } from "../support/disposal";
import { ServiceProcess } from "../support/serviceProcess";

const SCREENSHOT_FILE = join(__dirname, "../../docs/chat.png");

const CONVERSATION: [name: string, message: string][] = [
  ["Mira", "Has anybody here tried the rye from https://bread.example/rye?"],
  ["Mira", "Mine came out flat. Twice."],
  ["Jonas", "I have! The first one was a brick, too."],
  [
    "Ines Duarte",
    "How old is your starter? It should double within six hours before you bake with it. Feed it twice a day for a week, then try again.",
  ],
  ["Mira", "Three days… that explains a lot."],
  ["Jonas", "And let it cool before you cut it, however good it smells.\nThat is the hard part."],
  ["Ines Duarte", "Always."],
];

async function main(): Promise<void> {
  const { url } = await ServiceProcess.start();
  const browser = await launch();
  try {
    const visitors = new Map<string, Visitor>();
    const timezoneId = "Europe/Lisbon";
    for (const name of ["Mira", "Jonas", "Ines Duarte", "Teo"])
      visitors.set(name, await Visitor.join(browser, url, name, { locale: "en-GB", timezoneId }));
    const visitor = (name: string) => visitors.get(name) as Visitor;
    for (const [name, message] of CONVERSATION) {
      await visitor(name).say(message);
      for (const each of visitors.values()) await each.entry(message).waitFor();
    }
    const teo = visitor("Teo");
    await teo.room("Traveling").click();
    await teo.say("Lisbon in April: yes or no?");
    await visitor("Jonas").text.fill("Next time");
    const mira = visitor("Mira");
    await mira.shows("#room-list .badge", "1");
    await mira.shows("#typing", "Jonas is typing…");
    await mira.page.locator(".sending").waitFor({ state: "detached" });
    await mira.page.screenshot({ path: SCREENSHOT_FILE });
  } finally {
    await browser.close();
    await disposeOfAll();
  }
}

void main();
