// What a person holds in a card: fields, sliders, buttons.

/** The first such element that belongs to this card, and not to one inside it. */
function own(card, selector) {
  return [...card.querySelectorAll(selector)].find((part) => part.closest(".wb-card") === card);
}

function controls(part) {
  return [...part.querySelectorAll("button, input, select, textarea, a, summary")];
}

function place(part, element) {
  return controls(part).indexOf(element);
}

/** Whether somebody holds or fills something in it, which must not be taken away. */
function typedIn(part) {
  const active = document.activeElement;
  return part.contains(active) && active.matches("input, select, textarea");
}

/** A form is written once: what it holds is its user's. */
function filledIn(part) {
  return part.firstElementChild?.matches("form");
}

function makeSure(button) {
  const label = button.textContent;
  button.dataset.asked = "1";
  button.textContent = button.dataset.sure;
  setTimeout(() => { if (button.isConnected) { button.textContent = label; delete button.dataset.asked; } }, 4000);
}

/** A slider, the number beside it and the shares at its ends say the same. */
function mirror(control) {
  const field = control.closest(".wb-field");
  for (const other of field?.querySelectorAll("[data-mirror]") ?? []) if (other !== control) other.value = control.value;
  if (control.closest(".wb-shares")) return balance(control);
  const split = control.closest(".wb-split");
  if (!split) return;
  split.querySelector('[data-show="share"]').textContent = `${control.value} %`;
  split.querySelector('[data-show="rest"]').textContent = `${100 - control.value} %`;
}

/** Of several versions one gets more: the others give it, in proportion to what they had when it began to move. */
function balance(control) {
  const all = sharing(control);
  const others = all.filter((one) => one !== control);
  control.wbFrom ??= others.map((one) => Number(one.value));
  const left = divided(100 - control.value, control.wbFrom);
  others.forEach((one, i) => { one.value = left[i]; });
  for (const one of all) one.closest(".wb-share").querySelector("[data-show]").textContent = `${one.value} %`;
}

function sharing(control) {
  return [...control.closest(".wb-shares").querySelectorAll("input")];
}

/** A whole number as whole parts in these proportions. */
function divided(total, weights) {
  const sum = weights.reduce((a, b) => a + b, 0);
  const exact = weights.map((weight) => (total * (sum ? weight : 1)) / (sum || weights.length));
  const parts = exact.map(Math.floor);
  const missing = total - parts.reduce((a, b) => a + b, 0);
  const first = exact.map((part, i) => [part - parts[i], i]).sort(([a], [b]) => b - a).slice(0, missing);
  for (const [, i] of first) parts[i] += 1;
  return parts;
}

/** What a slider says that was moved: its number, or those of all that share with it. */
function moved(control) {
  if (!control.closest(".wb-shares")) return { value: Number(control.value) };
  return { shares: Object.fromEntries(sharing(control).map((one) => [one.name, Number(one.value)])) };
}

/** What a form holds, by name, as JSON text: whole numbers keep all their digits. */
function values(form) {
  const held = [...form.querySelectorAll("[name]")].filter((control) => control.type !== "radio" || control.checked);
  return { values: Object.fromEntries(held.map((control) => [control.name, written(form, control)])) };
}

function written(form, control) {
  const { value } = control;
  const missing = form.querySelector(`[data-missing="${CSS.escape(control.name)}"]`);
  control.disabled = Boolean(missing?.checked);
  if (missing?.checked) return "null";
  switch (control.dataset.sends) {
    case "check": return String(control.checked);
    case "json": return value.trim() || "null";
    case "moment": return value === "" ? "null" : JSON.stringify(value);
    case "whole": if (/^-?\d+$/.test(value)) return value; // falls through
    case "number": return value === "" ? "null" : JSON.stringify(Number(value));
    default: return JSON.stringify(value);
  }
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch { // not https
    const field = document.createElement("textarea");
    field.value = button.dataset.copy;
    button.after(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}
