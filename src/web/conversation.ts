import { byId, el, showText } from "./dom";
import { DrawnWindow, STEP } from "./drawnWindow";
import { entryView, signatureOf, type EntryActions } from "./entryView";
import type { Timeline, TimelineChange } from "./timeline";

const NEAR_EDGE_PX = 800; // distance from an edge at which the window moves
const AT_BOTTOM_PX = 48; // distance from the end that still counts as the bottom

export interface ConversationOptions extends EntryActions {
  me: () => string;
  /** Loads an older page; rejects with an error whose message is shown. */
  loadOlder: (timeline: Timeline) => Promise<void>;
  /** Called when the newest message is on the screen. */
  onSeen: () => void;
}

interface Drawn {
  node: HTMLElement;
  signature: string;
}

/**
 * The messages of one room. Only a window of them is in the document. It moves when scrolling comes near one of its edges,
 * and the visible messages keep their place on the screen.
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
  /** key of an entry → its element */
  #drawn = new Map<string, Drawn>();
  readonly #window = new DrawnWindow();
  #isAtBottom = true;
  #unseen = 0;
  #isLoading = false;
  #failure: string | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    this.#newer.addEventListener("click", () => this.toBottom());
    // A phone's keyboard or a longer draft takes space: the end stays in view.
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
    this.#window.moveToEnd(length);
    this.#draw();
    this.#scrollToEnd();
    this.#options.onSeen();
  }

  /** Tries again to read what could not be read. */
  recover(): void {
    if (this.#failure !== undefined || this.#timeline?.before === undefined) void this.#loadOlder();
  }

  /** Redraws every entry, e.g. because the user's name has changed. */
  refresh(): void {
    this.#drawn.clear();
    this.#keepPlace(() => this.#draw());
  }

  #onChange({ older = 0, isReset = false, received }: TimelineChange): void {
    const timeline = this.#timeline;
    if (timeline === undefined) return;
    if (isReset) {
      this.toBottom();
      void this.#loadOlder();
    } else if (older > 0) {
      // Draw some of them at once: above the first entry in the document there is no room to restore its place.
      if (this.#isAtBottom) this.toBottom();
      else this.#shiftBy(older - STEP);
    } else if (this.#isAtBottom) {
      const forgotten = timeline.forgetOldest();
      this.#window.grow(timeline.length, forgotten);
      this.#draw(received !== undefined);
      this.#scrollToEnd();
      this.#options.onSeen();
    } else {
      if (received !== undefined && received.username !== this.#options.me()) this.#unseen += 1;
      this.#window.clampTo(timeline.length);
      this.#keepPlace(() => this.#draw());
    }
  }

  #onScroll(): void {
    const { length = 0 } = this.#timeline ?? {};
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const below = scrollHeight - scrollTop - clientHeight;
    const wasAtBottom = this.#isAtBottom;
    const { start, end } = this.#window;
    this.#isAtBottom = below < AT_BOTTOM_PX && end >= length;
    if (this.#isAtBottom && !wasAtBottom) {
      this.#unseen = 0;
      this.#options.onSeen();
      this.#drawNewer();
    }
    if (scrollTop < NEAR_EDGE_PX && start > 0) this.#shiftBy(-STEP);
    else if (below < NEAR_EDGE_PX && end < length) this.#shiftBy(STEP);
    else if (scrollTop < NEAR_EDGE_PX && this.#failure === undefined) void this.#loadOlder();
  }

  #shiftBy(entries: number): void {
    this.#window.shiftBy(entries, this.#timeline?.length ?? 0);
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

  /** Draws and keeps the first visible entry in its place, also when entries above it change or it is redrawn itself. */
  #keepPlace(draw: () => void): void {
    const { top } = this.#scroller.getBoundingClientRect();
    const [key, anchor] = [...this.#drawn].find(([, { node }]) => rowOf(node).bottom > top) ?? [];
    const before = anchor && rowOf(anchor.node).top;
    draw();
    const after = this.#drawn.get(key ?? "");
    if (before !== undefined && after !== undefined)
      this.#scroller.scrollTop += rowOf(after.node).top - before;
  }

  /** With `isNews` screen readers announce what is added; without it they do not, e.g. when the window moves. */
  #draw(isNews = false): void {
    const timeline = this.#timeline;
    if (timeline === undefined) return;
    if (!isNews) this.#list.setAttribute("aria-busy", "true");
    const drawn = new Map<string, Drawn>();
    let next = this.#list.firstElementChild;
    for (let index = this.#window.start; index < this.#window.end; index += 1) {
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
    if (this.#failure !== undefined) this.#edge.append(" · ", this.#retryButton());
    this.#list.classList.toggle("loading", !isLoaded && timeline.length === 0 && this.#failure === undefined);
    this.#drawNewer();
  }

  #edgeText(timeline: Timeline): string | undefined {
    if (this.#failure !== undefined) return `Older messages could not be read: ${this.#failure}`;
    if (this.#isLoading) return "Loading messages…";
    return timeline.before === null && this.#window.start === 0
      ? `This is where ${this.#label} begins`
      : undefined;
  }

  #retryButton(): HTMLElement {
    const button = el("button", { type: "button", class: "link" }, "Try again");
    button.addEventListener("click", () => this.recover());
    return button;
  }

  #drawNewer(): void {
    const text = this.#unseen === 1 ? "1 new message" : `${String(this.#unseen)} new messages`;
    showText(this.#newer, this.#isAtBottom ? undefined : this.#unseen > 0 ? text : "To the newest");
  }

  #scrollToEnd(): void {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}

/** Measures the message itself, without the day separator above it, which may come and go. */
function rowOf(entry: HTMLElement): DOMRect {
  return (entry.querySelector(".row") ?? entry).getBoundingClientRect();
}
