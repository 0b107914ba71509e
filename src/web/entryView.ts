import { avatar } from "./avatar";
import { el } from "./dom";
import { splitLinks } from "./links";
import { nameView } from "./nameView";
import { dayOf, exactTimeOf, isSameDay, isSameGroup, timeOf } from "./time";
import type { TimelineEntry, UnsentMessage } from "./timeline";

export interface EntryActions {
  retry: (message: UnsentMessage) => void;
  discard: (message: UnsentMessage) => void;
}

/** Two views of an entry look the same if and only if their signatures are equal. `before` is the entry above it. */
export function signatureOf(entry: TimelineEntry, before: TimelineEntry | undefined, me: string): string {
  const { unsent } = entry;
  const state = unsent === undefined || unsent.isStored === true ? "" : (unsent.failure ?? "sending");
  return `${String(isFirst(entry, before))} ${isNewDay(entry, before) ? dayOf(entry.at) : ""} ${String(entry.username === me)} ${state}`;
}

/** Draws an entry as a list item, with the day and the sender where they differ from the entry above it. */
export function entryView(
  entry: TimelineEntry,
  before: TimelineEntry | undefined,
  me: string,
  actions: EntryActions,
): HTMLElement {
  const { username, message, at, unsent } = entry;
  const isOwn = username === me;
  const item = el("li", { class: "entry" });
  if (isNewDay(entry, before)) item.append(el("div", { class: "day" }, el("span", {}, dayOf(at))));
  const row = el("div", { class: "row" });
  const body = el("div", { class: "body" });
  if (isFirst(entry, before)) {
    item.classList.add("first");
    row.append(avatar(username));
    body.append(el("div", { class: "by" }, ...nameView(username, isOwn), timeView(at)));
  } else {
    row.append(el("span", {}));
    row.title = exactTimeOf(at);
  }
  body.append(el("div", { class: "text", dir: "auto" }, ...linkified(message)));
  if (isOwn) item.classList.add("own");
  if (unsent !== undefined && unsent.isStored !== true) {
    item.classList.add(unsent.failure === undefined ? "sending" : "failed");
    if (unsent.failure === undefined) body.append(el("span", { class: "visually-hidden" }, "Not sent yet"));
    else body.append(failureView(unsent, actions));
  }
  row.append(body);
  item.append(row);
  return item;
}

/** Everything but the links is text, never markup. */
function linkified(message: string): (Node | string)[] {
  return splitLinks(message).map(({ text, isLink }) =>
    isLink ? el("a", { href: text, target: "_blank", rel: "noopener noreferrer" }, text) : text,
  );
}

function timeView(at: number): HTMLElement {
  return el("time", { datetime: new Date(at).toISOString(), title: exactTimeOf(at) }, timeOf(at));
}

function failureView(unsent: UnsentMessage, { retry, discard }: EntryActions): HTMLElement {
  const again = el("button", { type: "button", class: "link" }, "Retry");
  const drop = el("button", { type: "button", class: "link" }, "Discard");
  again.addEventListener("click", () => retry(unsent));
  drop.addEventListener("click", () => discard(unsent));
  return el("div", { class: "failure" }, `Not sent (${unsent.failure ?? ""}) · `, again, " · ", drop);
}

function isFirst(entry: TimelineEntry, before: TimelineEntry | undefined): boolean {
  return before?.username !== entry.username || !isSameGroup(before.at, entry.at);
}

function isNewDay(entry: TimelineEntry, before: TimelineEntry | undefined): boolean {
  return before === undefined || !isSameDay(before.at, entry.at);
}
