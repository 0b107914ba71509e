import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findBinary } from "../support/binaries";
import { FreshClone } from "../support/freshClone";
import { freePort } from "../support/freePort";
import { JWT_SECRET } from "../support/tokens";

const README = readFileSync("README.md", "utf8");
const CI = readFileSync(".ci/run", "utf8");

/** The contents of README's code blocks in the language. */
function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm"))].map(
    ([, code]) => code ?? "",
  );
}

/** Every command in README: in its code blocks, and in the table of the section Developing. */
function commands(): string[] {
  const inBlocks = blocks("sh").flatMap((block) => block.trim().split("\n"));
  const developing = README.split("\n## Developing\n")[1]?.split(/\n## /)[0] ?? "";
  const inTable = [...developing.matchAll(/^\| `([^`]+)`/gm)].map(([, command]) => command ?? "");
  const examples = [...developing.matchAll(/`(npx [^`]+)`/g)].map(([, command]) => command ?? "");
  return [...inBlocks.map((line) => line.replace(/ +#.*/, "")), ...inTable, ...examples];
}

/** README's sample with the port replaced. */
function sampleFor(port: number, sample: string): string {
  return sample.replaceAll("http://localhost:34000", `http://localhost:${String(port)}`);
}

const clone = new FreshClone();
afterAll(() => clone.remove());

type Run = (command: string) => Promise<unknown>;

/** Expects a service that answers. */
const serves: Run = async (command) => {
  const port = await freePort();
  const stop = await clone.start(command, '"ready"', { PORT: String(port) });
  expect(await (await fetch(`http://localhost:${String(port)}/`)).text()).toBe("OK");
  await stop();
};
/** Adds arguments that make the command do less. */
const withArguments =
  (args: string): Run =>
  (command) =>
    clone.run(`${command} ${args}`);
/** Skips the command where the program is missing; in CI it is installed. */
const ifInstalled =
  (binary: string, run: Run): Run =>
  async (command) =>
    findBinary(binary) === undefined && process.env.CI !== "true" ? undefined : run(command);
/** Expects CI to run the command. */
const inCi: Run = async (command) => expect(CI).toMatch(new RegExp(`^${command}( |$)`, "m"));

/** Command → how the test runs it. The order matters: the first command installs what the others need. */
const RUNS: Record<string, Run> = {
  "npm ci && npm start": serves,
  "npm ci && npm test": withArguments("-- test/server/config.test.ts"),
  "npm run dev": serves,
  "npm run build": withArguments(""),
  "npm test": withArguments("-- --listTests"), // the command above has run tests
  "npm run test:unit": withArguments(""),
  "npm run test:install": inCi,
  "npx jest test/server/config.test.ts": withArguments(""),
  "npm run lint": inCi,
  "npm run typecheck": inCi,
  "npm run schemas": withArguments(""),
  "npm run docs": withArguments(""),
  "npm run bench": withArguments("-- --rounds 1 --seconds 0.2 --only latency --targets service"),
  "npm run crash": withArguments("-- --rounds 1"),
  "npm run screenshot": ifInstalled("chromium", withArguments("")),
  "npm run attack": withArguments("-- --size small --only storm --store embedded"),
  "npm run fuzz": withArguments("-- --frames 2000"),
};

test("this file runs exactly the commands of README", () => {
  expect(commands().sort()).toEqual(Object.keys(RUNS).sort());
});

describe("in a fresh clone", () => {
  test.each(Object.entries(RUNS))("%s", async (command, run) => void (await run(command)), 120_000);

  test("README's samples work against the service", async () => {
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

  test("README's sample signs a token that the service accepts", async () => {
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
