import { splitLinks } from "../../src/web/links";
import { range } from "../support/numbers";
import { startStopwatch } from "../support/stopwatch";

const links = (text: string) => splitLinks(text).flatMap((part) => (part.isLink ? [part.text] : []));

test("a text without an address is one part, and an empty text has none", () => {
  expect(splitLinks("hello")).toEqual([{ text: "hello", isLink: false }]);
  expect(splitLinks("")).toEqual([]);
});

test("addresses and the text between them keep their order", () => {
  expect(splitLinks("see https://a.example/x?y=1#z and http://b.example")).toEqual([
    { text: "see ", isLink: false },
    { text: "https://a.example/x?y=1#z", isLink: true },
    { text: " and ", isLink: false },
    { text: "http://b.example", isLink: true },
  ]);
});

test.each([
  "Have a look at https://a.example, it is good",
  "https://a.example.",
  "(https://a.example)",
  "Is it https://a.example?!",
  "“https://a.example…",
])("punctuation of the sentence does not belong to the address: %s", (text) => {
  expect(links(text)).toEqual(["https://a.example"]);
});

test("a closing bracket that was opened in the address belongs to it", () => {
  expect(links("https://a.example/Rye_(bread)")).toEqual(["https://a.example/Rye_(bread)"]);
  expect(links("(see https://a.example/Rye_(bread))")).toEqual(["https://a.example/Rye_(bread)"]);
});

test("quotes and angle brackets end an address", () => {
  expect(links('<https://a.example/x> "https://b.example/y"')).toEqual([
    "https://a.example/x",
    "https://b.example/y",
  ]);
});

test("characters that change the direction of text end an address", () => {
  expect(links("https://a.example/\u202egnp.exe")).toEqual(["https://a.example/"]);
});

test("addresses of other schemes, and what is no address, are text", () => {
  expect(links("javascript:alert(1) data:text/html,x ftp://a.example mailto:a@b.example https://")).toEqual(
    [],
  );
  expect(links("https://[ http://%zz")).toEqual([]);
});

test("the parts together are the text", () => {
  const text = "a https://a.example/). https:// b\nhttp://b.example";
  expect(
    splitLinks(text)
      .map((part) => part.text)
      .join(""),
  ).toBe(text);
});

test("a host that is longer than any in DNS makes no address", () => {
  const hosts = [63, 63, 63, 61].map((length) => "x".repeat(length)).join(".");
  expect(links(`https://${hosts}/x`)).toEqual([`https://${hosts}/x`]);
  expect(links(`https://${"x".repeat(256)} https://a.example`)).toEqual(["https://a.example"]);
});

/** The shortest of 5 runs, so that a pause of the process does not count. */
function timeOf(text: string): number {
  const times = range(5).map(() => {
    const elapsedMs = startStopwatch();
    splitLinks(text);
    return elapsedMs();
  });
  return Math.min(...times);
}

const ideographs = (count: number) => String.fromCodePoint(...range(count, 0x4e00));

test.each<[name: string, make: (length: number) => string]>([
  ["beginnings", (length) => "http://".repeat(length / 7)],
  ["addresses", (length) => "http://a ".repeat(length / 9)],
  ["opening brackets", (length) => `http://a${"(".repeat(length)}`],
  ["closing brackets before the end", (length) => `http://a/${")".repeat(length)}x`],
  ["dots before the end", (length) => `http://a/${".".repeat(length)}x`],
  ["a host of ideographs", (length) => `http://${ideographs(length)}`],
])("the time grows with the length and not with its square: %s", (_name, make) => {
  timeOf(make(1_000)); // compiles the code
  // 16 times the length: linear time is some 16 times as long, quadratic time 256 times.
  expect(timeOf(make(16_000))).toBeLessThan(Math.max(64 * timeOf(make(1_000)), 3));
});
