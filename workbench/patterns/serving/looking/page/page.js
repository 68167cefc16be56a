// The page of a service: asks /predict with what the form holds, and draws the figures. All addresses are relative,
// so that it works behind any proxy; the header tells the service that a script of its own page asks.
"use strict";

const FROM_PAGE = { "x-workbench-page": "1" };
const EVERY_MS = 2000;
const POINTS = 60;

const form = document.getElementById("try");
const answer = document.getElementById("answer");

if (location.search) history.replaceState(null, "", location.pathname); // a link's token is in the cookie now
for (const button of document.querySelectorAll("button[hidden]")) button.hidden = false;

// ---- the form ------------------------------------------------------------------------------------------------------

/** JSON of what a control holds; whole numbers keep all their digits. */
function written(control) {
  const { value } = control;
  switch (control.dataset.sends) {
    case "check": return String(control.checked);
    case "json": return value.trim() || "null";
    case "text": return isMissing(control) ? "null" : JSON.stringify(value);
    case "moment": return value === "" ? "null" : JSON.stringify(value);
    case "whole": if (/^-?\d+$/.test(value)) return BigInt(value).toString(); // falls through
    default: return value === "" ? "null" : JSON.stringify(Number(value));
  }
}

function missing(control) {
  return form.querySelector(`[data-missing="${control.id}"]`);
}

function isMissing(control) {
  return Boolean(missing(control)?.checked);
}

function fields() {
  return [...form.querySelectorAll(".field")].map((field) => ({
    name: field.dataset.name,
    control: field.querySelector("[data-sends]"),
    refused: field.querySelector(".refused"),
  }));
}

function body() {
  const pairs = fields().map(({ name, control }) => [name, written(control)]);
  if (form.dataset.rows === "array") return `[${pairs[0][1]}]`;
  return `{${pairs.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(", ")}}`;
}

function refuse(field, text) {
  field.refused.textContent = text;
  field.control.setAttribute("aria-invalid", "true");
  field.control.focus();
}

function clear() {
  for (const { control, refused } of fields()) {
    refused.textContent = "";
    control.removeAttribute("aria-invalid");
  }
}

/** A text area must hold JSON, or the whole request is none. */
function unreadable() {
  return fields().find(({ control }) => {
    if (control.tagName !== "TEXTAREA") return false;
    try { JSON.parse(control.value); return false; } catch { return true; }
  });
}

async function ask(event) {
  event.preventDefault();
  clear();
  const wrong = unreadable();
  if (wrong) return refuse(wrong, "this is not JSON: as in [1.5, 2, 3]");
  const begun = performance.now();
  const headers = { "content-type": "application/json", ...FROM_PAGE };
  form.setAttribute("aria-busy", "true");
  try {
    const response = await fetch("predict", { method: "POST", headers, body: body() });
    const text = await response.text();
    const took = Math.round(performance.now() - begun);
    if (response.ok) showAnswer(text, response.headers.get("x-workbench-version"), took);
    else showRefusal(text, response.status);
  } catch (error) {
    show(paragraph("wrong", "The service does not answer."), paragraph("caption", String(error.message)));
  } finally {
    form.removeAttribute("aria-busy");
    look();
  }
}

function paragraph(kind, text) {
  const made = document.createElement("p");
  made.className = kind;
  made.textContent = text;
  return made;
}

function show(...parts) {
  answer.replaceChildren(...parts.filter(Boolean));
}

/** The digits as they came: what JavaScript would make of them may be another number. */
function parsed(text) {
  return JSON.parse(text, (_, value, context) => (typeof value === "number" && context?.source ? { digits: context.source } : value));
}

function said(value) {
  if (value !== null && typeof value === "object") {
    if ("digits" in value) return value.digits;
    if (Array.isArray(value)) return `[${value.map(said).join(", ")}]`;
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

function showAnswer(text, version, took) {
  const told = parsed(text);
  const list = document.createElement("dl");
  for (const [name, value] of Object.entries(Array.isArray(told) ? told[0] : told)) {
    const term = document.createElement("dt");
    const data = document.createElement("dd");
    term.textContent = name;
    data.textContent = value === null ? "missing" : said(value);
    data.classList.toggle("missing-value", value === null);
    list.append(term, data);
  }
  show(list, paragraph("caption", `version ${version} · ${took} ms, there and back`));
}

function showRefusal(text, status) {
  let told = {};
  try { told = JSON.parse(text); } catch { told = { error: text }; }
  const field = fields().find(({ name }) => name === told.column);
  if (field) refuse(field, told.error);
  show(
    paragraph("wrong", field ? `Refused: see ${told.column}` : told.error || `It answers ${status}`),
    told.where && paragraph("caption", told.where),
    told.fix && paragraph("caption", `→ ${told.fix}`),
  );
}

form.addEventListener("submit", ask);
form.addEventListener("reset", () => setTimeout(() => { clear(); follow(); }));
form.addEventListener("change", follow);

/** A text that is missing cannot be typed. */
function follow() {
  for (const { control } of fields()) control.disabled = isMissing(control);
}

// ---- the figures ---------------------------------------------------------------------------------------------------

const seen = []; // the last answers of /figures, each with its time
const POINT = {
  requests: (now, before) => (now.requests - before.requests) / (now.at - before.at),
  errors: (now, before) => (now.errors - before.errors) / (now.at - before.at),
  p50: (now, before) => quantile(0.5, now, before),
  p99: (now, before) => quantile(0.99, now, before),
  waiting: (now) => now.waiting,
  rows: (now, before) => (now.calls > before.calls ? (now.rows - before.rows) / (now.calls - before.calls) : null),
};
const VALUE = {
  requests: (now) => grouped(now.requests),
  errors: (now) => grouped(now.errors),
  p50: (now) => milliseconds(now.p50),
  p99: (now) => milliseconds(now.p99),
  waiting: (now) => grouped(now.waiting),
  rows: (now) => (now.calls ? (now.rows / now.calls).toFixed(1) : "–"),
};

/** The time within which that share of the requests between two looks was answered. */
function quantile(share, now, before) {
  const old = new Map(before.times);
  const counts = now.times.map(([bound, count]) => [bound, count - (old.get(bound) ?? 0)]);
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  let so_far = 0;
  for (const [bound, count] of counts) {
    so_far += count;
    if (count && so_far >= share * all) return bound;
  }
  return null; // nobody asked
}

function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

function milliseconds(value) {
  if (value === null) return "–";
  return value < 10 ? String(Number(value.toPrecision(2))) : value.toFixed(0);
}

let asked = 0, answered = 0; // an answer that comes after a later one is old

async function look() {
  if (document.hidden) return;
  const since = document.getElementById("since");
  const turn = ++asked;
  try {
    const response = await fetch("figures", { headers: FROM_PAGE });
    if (!response.ok) throw new Error(String(response.status));
    const now = { ...(await response.json()), at: performance.now() / 1000 };
    if (turn < answered) return;
    answered = turn;
    const last = seen.at(-1);
    if (last && (now.requests < last.requests || now.at - last.at > 5 * EVERY_MS / 1000)) seen.length = 0; // it began anew, or the page slept
    seen.push(now);
    if (seen.length > POINTS + 1) seen.shift();
    draw(now);
    since.textContent = "Since it started; the lines are its last two minutes.";
  } catch {
    since.textContent = "It does not answer now; these are its last figures.";
  }
}

/** A row for each version, while several answer. */
function compare(versions) {
  const table = document.getElementById("versions");
  table.hidden = !versions.length;
  table.tBodies[0].replaceChildren(...versions.map((one) => {
    const row = document.createElement("tr");
    const cells = [String(one.version), grouped(one.requests), grouped(one.errors), milliseconds(one.p50), milliseconds(one.p99)];
    for (const text of cells) row.insertCell().textContent = text;
    return row;
  }));
}

function draw(now) {
  compare(now.versions);
  for (const figure of document.querySelectorAll(".figure")) {
    const key = figure.dataset.figure;
    figure.querySelector(".value").textContent = VALUE[key](now);
    if (key === "errors") figure.classList.toggle("wrong", now.errors > 0);
    const points = seen.slice(1).map((one, place) => POINT[key](one, seen[place]));
    const [area, line] = paths(points);
    figure.querySelector(".area").setAttribute("d", area);
    figure.querySelector(".line").setAttribute("d", line);
  }
}

/** The area and the line of the points, the newest at the right, the highest at the top; a gap where there is none. */
function paths(points) {
  const most = Math.max(...points) || 1;
  const runs = [[]];
  points.forEach((value, place) => {
    const x = 100 - ((points.length - 1 - place) * 100) / (POINTS - 1);
    if (value === null) runs.push([]);
    else runs.at(-1).push([x.toFixed(2), (23 - (22 * value) / most).toFixed(2)]);
  });
  const drawn = runs.filter((run) => run.length).map((run) => (run.length > 1 ? run : [[run[0][0] - 0.8, run[0][1]], run[0]]));
  const line = drawn.map((run) => `M${run.join(" L")}`);
  return [drawn.map((run, place) => `${line[place]} L${run.at(-1)[0]},24 L${run[0][0]},24 Z`).join(" "), line.join(" ")];
}

look();
setInterval(look, EVERY_MS);
document.addEventListener("visibilitychange", look);

// ---- what can be copied --------------------------------------------------------------------------------------------

for (const snippet of document.querySelectorAll(".snippet")) {
  const [text, button] = snippet.children;
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(text);
    try { await navigator.clipboard.writeText(text.textContent); } catch { document.execCommand("copy"); } // not https
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}
