// Excludes the characters that change the direction of text: an address must read as it is.
const URL_LIKE = /https?:\/\/[^\s<>"'\u202A-\u202E\u2066-\u2069]+/gi;
const TRAILING = ".,;:!?)]}…"; // at the end these belong to the sentence rather than to the address
// A host of at most 255 characters (DNS allows 253), because parsing one that is not ASCII takes quadratic time.
const SHORT_HOST = /^https?:\/\/[^/\\?#]{1,255}(?![^/\\?#])/i;

export interface TextPart {
  text: string;
  /** The text is the address of a web page. */
  isLink: boolean;
}

/** Splits a text into addresses of web pages and the text between them, in time linear in its length. */
export function splitLinks(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const { 0: match, index } of text.matchAll(URL_LIKE)) {
    const address = withoutTrailing(match);
    if (!isWebAddress(address)) continue;
    parts.push({ text: text.slice(end, index), isLink: false }, { text: address, isLink: true });
    end = index + address.length;
  }
  parts.push({ text: text.slice(end), isLink: false });
  return parts.filter((part) => part.text !== "");
}

/** Keeps a closing bracket that was opened in the address, as in addresses of Wikipedia. */
function withoutTrailing(match: string): string {
  let end = match.length;
  while (TRAILING.includes(match.charAt(end - 1))) end -= 1;
  const kept = match.charAt(end) === ")" && match.includes("(") ? 1 : 0;
  return match.slice(0, end + kept);
}

function isWebAddress(address: string): boolean {
  return SHORT_HOST.test(address) && URL.canParse(address);
}
