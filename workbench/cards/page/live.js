// What makes the cards of a notebook live. A card is HTML in an output, good by itself; the widget behind this script
// has no view, and there is one for each kernel: it says which of its cards are seen, shows what the kernel tells of
// them, and tells it what is pressed. Without a kernel the cards stay as they are, without their buttons.

const BEAT_MS = 10_000;
const PATIENCE_MS = 1_500;
const QUIET_MS = 5_000;
const LOOK_MS = 1_000;
const SETTLE_MS = 60;
const LATER_MS = 350;

class Live {
  constructor(model, signal) {
    this.model = model;
    this.signal = signal;
    this.hub = model.get("hub");
    this.client = Math.random().toString(36).slice(2);
    this.cards = new Map(); // each element that is followed, and whether it is seen
    this.latest = new Map(); // by the card's name: what was told of it
    this.sent = 0; // orders are numbered, and the kernel says which it has heard
    this.heard = 0;
    this.patience = LOOK_MS;
    this.told = this.asked = Date.now(); // when the kernel said something last, and since when it owes an answer
    this.eyes = new IntersectionObserver((seen) => {
      for (const { target, isIntersecting } of seen) if (this.cards.has(target)) this.cards.set(target, isIntersecting);
      this.settle();
    });
    this.outputs = new MutationObserver(() => this.settle());
  }

  begin() {
    this.outputs.observe(document.body, { childList: true, subtree: true });
    this.model.on("msg:custom", (told) => this.hear(told));
    this.model.on("comm_live_update", () => { this.watched = null; this.settle(); });
    document.addEventListener("visibilitychange", () => this.watch(), { signal: this.signal });
    const timers = [setInterval(() => this.beat(), BEAT_MS), setInterval(() => this.quiet(), LOOK_MS)];
    this.signal.addEventListener("abort", () => { timers.forEach(clearInterval); this.end(); });
    this.settle();
  }

  end() {
    this.eyes.disconnect();
    this.outputs.disconnect();
    for (const card of this.cards.keys()) card.classList.remove("wb-live");
  }

  /** Outputs come in many small steps: look at them once they have come. */
  settle() {
    this.settling ??= setTimeout(() => { this.settling = null; this.scan(); this.watch(); }, SETTLE_MS);
  }

  scan() {
    for (const card of document.getElementsByClassName("wb-card")) {
      if (card.dataset.hub === this.hub && !this.cards.has(card)) this.adopt(card);
    }
    for (const card of [...this.cards.keys()]) {
      if (card.isConnected) continue;
      this.cards.delete(card);
      this.eyes.unobserve(card);
    }
  }

  adopt(card) {
    this.cards.set(card, false);
    this.eyes.observe(card);
    card.classList.add("wb-live");
    relocate(card);
    if (!card.wbHub) {
      card.wbHub = true;
      card.addEventListener("click", (event) => this.click(card, event), { signal: this.signal });
      card.addEventListener("input", (event) => this.input(card, event), { signal: this.signal });
      card.addEventListener("change", (event) => this.change(card, event), { signal: this.signal });
      card.addEventListener("focusin", ({ target }) => { target.dataset.lmSuppressShortcuts = "true"; }, { signal: this.signal }); // else Jupyter takes arrows and Enter
      card.addEventListener("submit", (event) => event.preventDefault(), { signal: this.signal });
      card.addEventListener("focusout", () => setTimeout(() => this.show(card, this.latest.get(card.dataset.card))), { signal: this.signal });
    }
    this.show(card, this.latest.get(card.dataset.card));
    const asks = card.querySelector("[data-first]");
    if (asks) this.ask(card, asks);
  }

  // ---- the kernel ----------------------------------------------------------------------------------------------------

  send(order) {
    if (this.heard === this.sent) this.asked = Date.now();
    this.sent += 1;
    this.model.send({ ...order, client: this.client, number: this.sent });
    return this.sent;
  }

  /** Say which cards are seen, when that changes and now and then. */
  watch(again = false) {
    const seen = document.hidden ? [] : [...this.cards].filter(([, visible]) => visible).map(([card]) => card.dataset.card);
    const names = [...new Set(seen)].sort();
    const said = names.join(" ");
    if (said === this.watched && !(again && names.length)) return;
    this.watched = said;
    this.send({ do: "watch", names });
  }

  beat() {
    if (this.heard === this.sent) this.watch(true);
  }

  /** What was sent before there was a subshell waits for the cell that runs, and what comes after it does not: say it
   * again, but ever more seldom. */
  again() {
    if (this.heard === this.sent || Date.now() - this.asked < this.patience) return;
    this.patience *= 2;
    this.watch(true);
  }

  hear({ heard, client, card, parts, open }) {
    this.told = Date.now();
    if (heard && client === this.client) {
      this.heard = Math.max(this.heard, heard);
      this.patience = LOOK_MS;
    }
    if (open && client === this.client) visit(open);
    if (!card) return;
    const known = { ...this.latest.get(card), ...parts };
    this.latest.set(card, known);
    for (const element of this.cards.keys()) {
      if (element.dataset.card !== card) continue;
      this.show(element, known);
      if (client === this.client) this.answered(element);
    }
  }

  /** A kernel that owes an answer is busy, or has ended: what is shown is as of when it spoke last. */
  quiet() {
    this.again();
    const quiet = this.heard < this.sent && Date.now() - Math.max(this.told, this.asked) > QUIET_MS;
    for (const card of this.cards.keys()) {
      if (quiet && !card.classList.contains("wb-quiet")) {
        const when = new Date(this.told).toLocaleTimeString();
        own(card, ".wb-as-of").textContent = `as of ${when} · the kernel is busy or has ended`;
      }
      card.classList.toggle("wb-quiet", quiet);
    }
  }

  show(card, parts) {
    for (const [name, html] of Object.entries(parts ?? {})) {
      const part = own(card, `[data-part="${name}"]`);
      if (!part || part.wbShown === html || typedIn(part) || filledIn(part)) continue;
      const focused = part.contains(document.activeElement) ? place(part, document.activeElement) : -1;
      const atEnd = part.scrollHeight - part.scrollTop - part.clientHeight < 8;
      part.innerHTML = html;
      relocate(part);
      part.wbShown = html;
      if (focused >= 0) controls(part)[Math.min(focused, controls(part).length - 1)]?.focus();
      if (name === "log" && atEnd) part.scrollTop = part.scrollHeight;
    }
  }

  // ---- the person ----------------------------------------------------------------------------------------------------

  click(card, event) {
    const button = event.target.closest("button");
    if (!button || button.closest(".wb-card") !== card) return;
    if (button.dataset.copy !== undefined) return copy(button);
    if (button.dataset.do === undefined || button.getAttribute("aria-busy")) return;
    if (button.dataset.sure && !button.dataset.asked) return makeSure(button);
    this.press(card, button, button.dataset.do);
  }

  input(card, { target }) {
    mirror(target);
    const asks = target.closest("[data-input]");
    if (asks && asks.closest(".wb-card") === card) this.ask(card, asks);
  }

  change(card, { target }) {
    if (!target.dataset.change || target.closest(".wb-card") !== card) return;
    target.wbFrom = null;
    clearTimeout(card.wbMoved); // a key that is held moves it many times
    card.wbMoved = setTimeout(() => this.press(card, target, target.dataset.change, moved(target)), LATER_MS);
  }

  press(card, control, press, more = {}) {
    control.setAttribute("aria-busy", "true");
    const scope = control.closest("form");
    const args = { ...JSON.parse(control.dataset.args ?? "{}"), ...more, ...(control.dataset.form !== undefined ? values(scope) : {}) };
    const number = this.send({ do: "press", name: card.dataset.card, press, args });
    setTimeout(() => {
      if (this.heard >= number) return;
      if (press === "cancel" && server()) interrupt(this.model.get("kernel"));
      else if (press === "cancel") this.tell(card, "The kernel is busy: end its cell with the editor's own button.");
      else this.tell(card, "The kernel is busy: this is done when its cell has ended.");
    }, PATIENCE_MS);
  }

  /** Ask with what a form holds: one question at a time, and after its answer the latest. */
  ask(card, form) {
    if (card.wbAsking) { card.wbAgain = form; return; }
    card.wbAsking = true;
    card.wbAgain = null;
    clearTimeout(card.wbLater);
    this.send({ do: "press", name: card.dataset.card, press: form.dataset.input, args: values(form) });
    if (form.dataset.later) card.wbLater = setTimeout(() => this.later(card, form), LATER_MS);
  }

  /** What takes longer is asked for once nobody has moved anything for a while. */
  later(card, form) {
    if (card.isConnected) this.send({ do: "press", name: card.dataset.card, press: form.dataset.later, args: {} });
  }

  answered(card) {
    for (const control of card.querySelectorAll('[aria-busy="true"]')) control.removeAttribute("aria-busy");
    card.wbAsking = false;
    if (card.wbAgain) this.ask(card, card.wbAgain);
  }

  tell(card, text) {
    const said = own(card, '[data-part="said"]');
    if (said) { said.textContent = text; said.wbShown = null; }
  }
}

export default {
  initialize({ model, signal }) {
    const ended = new AbortController();
    signal?.addEventListener("abort", () => ended.abort());
    new Live(model, ended.signal).begin();
    return () => ended.abort();
  },
  render({ el }) {
    el.hidden = true;
  },
};
