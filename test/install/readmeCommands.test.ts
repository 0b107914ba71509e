import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findBinary } from "../support/binaries";
import { FreshClone } from "../support/freshClone";
import { freePort } from "../support/freePort";
import { JWT_SECRET } from "../support/tokens";

const README = readFileSync("README.md", "utf8");
const CI = readFileSync(".ci/run", "utf8");

/** What stands in code blocks of the language. */
function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm"))].map(
    ([, code]) => code ?? "",
  );
}

/** Every command that README has: in its blocks, and in the table of what developers run. */
function commands(): string[] {
  const inBlocks = blocks("sh").flatMap((block) => block.trim().split("\n"));
  const developing = README.split("\n## Developing\n")[1]?.split(/\n## /)[0] ?? "";
  const inTable = [...developing.matchAll(/^\| `([^`]+)`/gm)].map(([, command]) => command ?? "");
  const examples = [...developing.matchAll(/`(npx [^`]+)`/g)].map(([, command]) => command ?? "");
  return [...inBlocks.map((line) => line.replace(/ +#.*/, "")), ...inTable, ...examples];
}

/** Only the sample's own address is another one here. */
function sampleFor(port: number, sample: string): string {
  return sample.replaceAll("http://localhost:34000", `http://localhost:${String(port)}`);
}

const clone = new FreshClone();
afterAll(() => clone.remove());

type Run = (command: string) => Promise<unknown>;

const answers: Run = async (command) => {
  const port = await freePort();
  const stop = await clone.start(command, '"ready"', { PORT: String(port) });
  expect(await (await fetch(`http://localhost:${String(port)}/`)).text()).toBe("OK");
  await stop();
};
/** It does the same as without the arguments, for a shorter time. */
const with_ =
  (args: string): Run =>
  (command) =>
    clone.run(`${command} ${args}`);
/** What needs a program that is not there is left to CI, which installs it. */
const needing =
  (binary: string, run: Run): Run =>
  async (command) =>
    findBinary(binary) === undefined && process.env.CI !== "true" ? undefined : run(command);
const byCi: Run = async (command) => expect(CI).toMatch(new RegExp(`^${command}( |$)`, "m"));

/** How each is run. In this order: the first one installs what the others need. */
const RUNS: Record<string, Run> = {
  "npm ci && npm start": answers,
  "npm ci && npm test": with_("-- test/server/config.test.ts"),
  "npm run dev": answers,
  "npm run build": with_(""),
  "npm test": with_("-- --listTests"), // the one above has run some
  "npm run test:unit": with_(""),
  "npm run test:install": byCi,
  "npx jest test/server/config.test.ts": with_(""),
  "npm run lint": byCi,
  "npm run typecheck": byCi,
  "npm run schemas": with_(""),
  "npm run docs": with_(""),
  "npm run bench": with_("-- --rounds 1 --seconds 0.2 --only latency --targets service"),
  "npm run crash": with_("-- --rounds 1"),
  "npm run screenshot": needing("chromium", with_("")),
  "npm run fuzz": with_("-- --frames 2000"),
};

test("every command of README is run here, and no other", () => {
  expect(commands().sort()).toEqual(Object.keys(RUNS).sort());
});

describe("in a fresh clone", () => {
  test.each(Object.entries(RUNS))("%s", async (command, run) => void (await run(command)), 120_000);

  test("README's samples run against what README starts", async () => {
    const port = await freePort();
    const env = { PORT: String(port), HOST: "localhost" };
    const stop = await clone.start("node dist/main.js", '"ready"', env);
    const [first = "", typed = ""] = blocks("js").map((sample) => sampleFor(port, sample));
    writeFileSync(join(clone.folder, "first.mjs"), first);
    const end = await clone.start("node first.mjs", "ana: hello", {});
    await end();
    writeFileSync(
      join(clone.folder, "typed.mjs"),
      `${typed}\nconsole.log(messages.at(-1), before); chat.close();`,
    );
    const output = await clone.run("node typed.mjs");
    expect(output).toContain("username: 'ana'");
    await stop();
  }, 60_000);

  test("README's sample signs a token that the service takes", async () => {
    const sample = blocks("js").find((block) => block.includes("SignJWT")) ?? "";
    writeFileSync(join(clone.folder, "sign.mjs"), `${sample}\nconsole.log(token);`);
    const token = (await clone.run("node sign.mjs", { JWT_SECRET })).trim();
    const port = await freePort();
    const stop = await clone.start("node dist/main.js", '"ready"', { PORT: String(port), JWT_SECRET });
    const answer = await fetch(`http://localhost:${String(port)}/rooms/cooking/messages`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(200);
    await stop();
  });
});
