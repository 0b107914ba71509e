import { splitLinks } from "../../src/web/links";

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
