import { el } from "./dom";

// Without the characters that turn the direction of text: an address reads as it is.
const URL_LIKE = /https?:\/\/[^\s<>"'\u202A-\u202E\u2066-\u2069]+/gi;
const TRAILING = /[.,;:!?)\]}…]+$/; // belongs to the sentence rather than to the address

/** The text as nodes: addresses of web pages as links, everything else as it stands. */
export function linkify(text: string): Node[] {
  const nodes: Node[] = [];
  let end = 0;
  for (const { 0: match, index } of text.matchAll(URL_LIKE)) {
    const address = withoutTrailing(match);
    if (!isWebAddress(address)) continue;
    nodes.push(document.createTextNode(text.slice(end, index)));
    nodes.push(el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, address));
    end = index + address.length;
  }
  nodes.push(document.createTextNode(text.slice(end)));
  return nodes;
}

/** Keeps a closing bracket that is opened in the address, as in Wikipedia's. */
function withoutTrailing(match: string): string {
  const trailing = TRAILING.exec(match)?.[0] ?? "";
  const kept = trailing.startsWith(")") && match.includes("(") ? 1 : 0;
  return match.slice(0, match.length - trailing.length + kept);
}

function isWebAddress(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}
