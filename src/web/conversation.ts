import { byId, el, showText } from "./dom";
import { entryView, signatureOf, type EntryActions } from "./entryView";
import type { Timeline, TimelineChange } from "./timeline";

const DRAWN = 120; // entries in the document at once, several screens of them
const STEP = 40; // entries by which that window moves
const NEAR = 800; // px from an edge at which it moves
const AT_BOTTOM = 48; // px from the end that still count as being there

export interface ConversationOptions extends EntryActions {
  me: () => string;
  /** Older messages are wanted. */
  loadOlder: (timeline: Timeline) => Promise<void>;
  /** The newest message is on the screen. */
  onSeen: () => void;
}

interface Drawn {
  node: HTMLElement;
  signature: string;
}

/**
 * The messages of one room. Of thousands only some around the visible ones are in the document: a window that moves
 * along as its edges come near, while what is on the screen stays where it is.
 */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #scroller = byId("scroller");
  readonly #list = byId("messages");
  readonly #edge = byId("edge");
  readonly #empty = byId("empty");
  readonly #newer = byId<HTMLButtonElement>("newer");
  #timeline: Timeline | undefined;
  #label = "";
  #stopListening = () => {};
  /** key → what is drawn for it */
  #drawn = new Map<string, Drawn>();
  /** The window: indexes into the timeline, the last one excluded. */
  #start = 0;
  #end = 0;
  #isAtBottom = true;
  #unseen = 0;
  #isLoading = false;
  #failure: string | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    this.#newer.addEventListener("click", () => this.toBottom());
    // The keyboard of a phone, a longer message being written: the end stays in view.
    new ResizeObserver(() => this.#isAtBottom && this.#scrollToEnd()).observe(this.#scroller);
  }

  show(timeline: Timeline, label: string): void {
    this.#stopListening();
    this.#timeline = timeline;
    this.#label = label;
    this.#failure = undefined;
    this.#isLoading = false;
    this.#stopListening = timeline.listen((change) => this.#onChange(change));
    this.#list.replaceChildren();
    this.#drawn.clear();
    this.#scroller.setAttribute("aria-label", `Messages in ${label}`);
    this.toBottom();
    if (timeline.before === undefined) void this.#loadOlder();
  }

  get isAtBottom(): boolean {
    return this.#isAtBottom;
  }

  toBottom(): void {
    const { length = 0 } = this.#timeline ?? {};
    this.#isAtBottom = true;
    this.#unseen = 0;
    this.#end = length;
    this.#start = Math.max(0, length - DRAWN);
    this.#draw();
    this.#scrollToEnd();
    this.#options.onSeen();
  }

  /** Reads what could not be read before. */
  recover(): void {
    if (this.#failure !== undefined || this.#timeline?.before === undefined) void this.#loadOlder();
  }

  /** Draws anew what depends on who is looking. */
  refresh(): void {
    this.#drawn.clear();
    this.#keepPlace(() => this.#draw());
  }

  #onChange({ older = 0, isReset = false, said }: TimelineChange): void {
    const timeline = this.#timeline;
    if (timeline === undefined) return;
    const { length } = timeline;
    if (isReset) {
      this.toBottom();
      void this.#loadOlder();
    } else if (older > 0) {
      // Some of them are drawn at once: above the very first entry there is no room to scroll it back in place.
      if (this.#isAtBottom) this.toBottom();
      else this.#moveTo(this.#start + older - STEP);
    } else if (this.#isAtBottom) {
      const { length: before } = timeline;
      timeline.forgetOldest();
      this.#start -= before - timeline.length;
      // What is drawn only grows at its end here, which is what a screen reader should hear of.
      this.#end = timeline.length;
      this.#start = Math.max(0, this.#start, this.#end - DRAWN - STEP);
      this.#draw(said !== undefined);
      this.#scrollToEnd();
      this.#options.onSeen();
    } else {
      if (said !== undefined && said.username !== this.#options.me()) this.#unseen += 1;
      this.#end = Math.min(this.#end, length);
      this.#keepPlace(() => this.#draw());
    }
  }

  #onScroll(): void {
    const { length = 0 } = this.#timeline ?? {};
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const below = scrollHeight - scrollTop - clientHeight;
    const wasAtBottom = this.#isAtBottom;
    this.#isAtBottom = below < AT_BOTTOM && this.#end >= length;
    if (this.#isAtBottom && !wasAtBottom) {
      this.#unseen = 0;
      this.#options.onSeen();
      this.#drawNewer();
    }
    if (scrollTop < NEAR && this.#start > 0) this.#moveTo(Math.max(0, this.#start - STEP));
    else if (below < NEAR && this.#end < length) this.#moveTo(this.#start + STEP);
    else if (scrollTop < NEAR && this.#failure === undefined) void this.#loadOlder();
  }

  #moveTo(start: number): void {
    const { length = 0 } = this.#timeline ?? {};
    this.#start = Math.max(0, Math.min(start, length - DRAWN));
    this.#end = Math.min(length, this.#start + DRAWN);
    this.#keepPlace(() => this.#draw());
  }

  async #loadOlder(): Promise<void> {
    const timeline = this.#timeline;
    if (timeline === undefined || this.#isLoading || timeline.before === null) return;
    this.#isLoading = true;
    this.#failure = undefined;
    this.#keepPlace(() => this.#drawEdges());
    const failure = await this.#options.loadOlder(timeline).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    if (timeline !== this.#timeline) return;
    this.#isLoading = false;
    this.#failure = failure;
    this.#keepPlace(() => this.#drawEdges());
    if (failure === undefined) this.#onScroll(); // a page may be shorter than the screen
  }

  /** What is on the screen stays where it is, whatever is drawn above it, and even if it is drawn anew itself. */
  #keepPlace(draw: () => void): void {
    const { top } = this.#scroller.getBoundingClientRect();
    const [key, anchor] = [...this.#drawn].find(([, { node }]) => rowOf(node).bottom > top) ?? [];
    const before = anchor && rowOf(anchor.node).top;
    draw();
    const after = this.#drawn.get(key ?? "");
    if (before !== undefined && after !== undefined)
      this.#scroller.scrollTop += rowOf(after.node).top - before;
  }

  /** `isNews`: for screen readers to read; moving the window is not. */
  #draw(isNews = false): void {
    const timeline = this.#timeline;
    if (timeline === undefined) return;
    if (!isNews) this.#list.setAttribute("aria-busy", "true");
    const drawn = new Map<string, Drawn>();
    let next = this.#list.firstElementChild;
    for (let index = this.#start; index < this.#end; index += 1) {
      const entry = timeline.at(index);
      if (entry === undefined) break;
      const before = timeline.at(index - 1);
      const signature = signatureOf(entry, before, this.#options.me());
      const known = this.#drawn.get(entry.key);
      const node = known?.signature === signature ? known.node : entryView(entry, before, this.#options.me(), this.#options); // prettier-ignore
      drawn.set(entry.key, { node, signature });
      if (node === next) next = next.nextElementSibling;
      else this.#list.insertBefore(node, next);
    }
    while (next !== null) {
      const gone = next;
      next = next.nextElementSibling;
      gone.remove();
    }
    this.#drawn = drawn;
    this.#drawEdges();
    if (!isNews) requestAnimationFrame(() => this.#list.removeAttribute("aria-busy"));
  }

  #drawEdges(): void {
    const timeline = this.#timeline;
    if (timeline === undefined) return;
    const isLoaded = timeline.before !== undefined;
    const isEmpty = isLoaded && timeline.length === 0;
    showText(this.#empty, isEmpty ? `Nothing has been said in ${this.#label} yet. Be the first to say hello.` : undefined); // prettier-ignore
    showText(this.#edge, isEmpty ? undefined : this.#edgeText(timeline));
    if (this.#failure !== undefined) this.#edge.append(" · ", this.#again());
    this.#list.classList.toggle("loading", !isLoaded && timeline.length === 0 && this.#failure === undefined);
    this.#drawNewer();
  }

  #edgeText(timeline: Timeline): string | undefined {
    if (this.#failure !== undefined) return `Older messages could not be read: ${this.#failure}`;
    if (this.#isLoading) return "Loading messages…";
    return timeline.before === null && this.#start === 0 ? `This is where ${this.#label} begins` : undefined;
  }

  #again(): HTMLElement {
    const again = el("button", { type: "button", class: "link" }, "Try again");
    again.addEventListener("click", () => this.recover());
    return again;
  }

  #drawNewer(): void {
    const text = this.#unseen === 1 ? "1 new message" : `${String(this.#unseen)} new messages`;
    showText(this.#newer, this.#isAtBottom ? undefined : this.#unseen > 0 ? text : "To the newest");
  }

  #scrollToEnd(): void {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}

/** Where the message itself is: a day above it comes and goes. */
function rowOf(entry: HTMLElement): DOMRect {
  return (entry.querySelector(".row") ?? entry).getBoundingClientRect();
}
