// Excludes the characters that change the direction of text: an address must read as it is.
const URL_LIKE = /https?:\/\/[^\s<>"'\u202A-\u202E\u2066-\u2069]+/gi;
const TRAILING = /[.,;:!?)\]}…]+$/; // belongs to the sentence rather than to the address

export interface TextPart {
  text: string;
  /** The text is the address of a web page. */
  isLink: boolean;
}

/** Splits a text into addresses of web pages and the text between them. */
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
  const trailing = TRAILING.exec(match)?.[0] ?? "";
  const kept = trailing.startsWith(")") && match.includes("(") ? 1 : 0;
  return match.slice(0, match.length - trailing.length + kept);
}

function isWebAddress(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}
