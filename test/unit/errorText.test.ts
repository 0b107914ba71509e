import { pino } from "pino";
import { ClientEventLog, errorText } from "../../src/observability/logger";

test("an error's text has its message, its code and its causes", () => {
  const cause = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" });
  expect(errorText(new TypeError("fetch failed", { cause }))).toBe(
    "fetch failed: connect ECONNREFUSED 127.0.0.1:1",
  );
  expect(errorText(Object.assign(new Error("no"), { code: "ERR_X" }))).toBe("no (ERR_X)");
  expect(errorText("text")).toBe("text");
  expect(errorText(undefined)).toBe("undefined");
});

test("an error that is its own cause has a text", () => {
  const error = new Error("round");
  error.cause = error;
  expect(errorText(error)).toMatch(/^round: round/);
});

test("the text of a failed transaction of Redis says why it failed", () => {
  const previousErrors = [new Error("OOM command not allowed")];
  const error = Object.assign(new Error("EXECABORT Transaction discarded"), { previousErrors });
  expect(errorText(error)).toBe("EXECABORT Transaction discarded: OOM command not allowed");
});

test.each([
  ["Request cannot be constructed from https://user:secret@id.example/keys", "https://id.example/keys"],
  ["cannot connect to redis://:secret@10.0.0.1:6379/0", "redis://10.0.0.1:6379/0"],
  ["ERR unknown command 'evalsha', with args beginning with: 'ana' \n'secret'", "'evalsha'"],
  [messageOf(() => JSON.parse('"secret') as unknown), "JSON"],
  [messageOf(() => JSON.parse('{"message":secret}') as unknown), "JSON"],
])("the text holds no secret: %#", (message, kept) => {
  const text = errorText(new Error(message));
  expect(text).toContain(kept);
  expect(text).not.toContain("secret");
});

test("the text is one line of at most 500 characters, without control characters", () => {
  const text = errorText(new Error(`a\r\n\u001b[31mb\u0085c\u2028d${"x".repeat(10_000)}`));
  expect(text).toMatch(/^a \[31mb c dx+$/);
  expect(text).toHaveLength(500);
});

test("an error in the log has its type, text, code and stack frames, and nothing else, whatever logger is used", () => {
  const lines: string[] = [];
  const log = new ClientEventLog(pino({}, { write: (line) => lines.push(line) }));
  const command = { name: "hset", args: ["names of clients"] };
  log.error("failed", { err: Object.assign(new RangeError("a\nb"), { code: "ERR_X", command }) });
  log.error("failed", { err: "text" });
  const [first, second] = lines.map((line) => JSON.parse(line) as { err: object });
  expect(first?.err).toEqual({
    type: "RangeError",
    message: "a b (ERR_X)",
    code: "ERR_X",
    stack: expect.stringMatching(/^ +at /) as string,
  });
  expect(second?.err).toEqual({ message: "text" });
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it did not throw");
}
