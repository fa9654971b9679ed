// Keeps the page at `/` new: follows the log, and fetches a section again when something in it changed, at most
// once a second, and never under somebody's hand. Without this script the page is the same, and "Refresh" renews it.
'use strict';

const top_ = document.getElementById('top');
const { now, zone, purpose, basis, opened, after } = top_.dataset;
const why = new URLSearchParams({ purpose, basis });
const looksAt = new Map(['alert', 'incident'].map((name) => [name, new URLSearchParams(opened).get(name)]));

const PARTS = { 'alert@1': ['queue', 'alert'], 'incident@1': ['incidents', 'incident', 'calls'], 'call@1': ['calls'], 'report@1': ['reports'], 'post@1': ['posts'], 'shift@1': ['queue'], 'unit@1': ['units'], 'break-glass@1': ['glass'], 'break-glass-ended@1': ['glass'], 'break-glass-reviewed@1': ['glass'] };
const BY_TIME = ['units', 'values', 'vitals'];
const EVERY = 1000; // ms between two looks at one section, at least
const SLOW = 5000; // ms between two looks at what the log does not tell of
const STALE = 3; // seconds without a sign of life

// ── time: the server's, so that a wrong clock here shows no wrong ages ────────────────────────────
let ahead = Number(now) / 1000 - Date.now();
const there = () => Date.now() + ahead;
const clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', second: '2-digit' });
const AGES = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];

function ago(at) {
  const seconds = Math.max(0, Math.floor((there() - at / 1000) / 1000));
  const [length, unit] = AGES.find(([least]) => seconds >= least) ?? AGES[3];
  return `${Math.floor(seconds / length)} ${unit}`;
}

function tick() {
  document.getElementById('clock').textContent = clock.format(there());
  for (const time of document.querySelectorAll('time[data-at]')) {
    const text = ago(Number(time.dataset.at));
    if (time.textContent !== text) time.textContent = text;
  }
}

// ── sections ─────────────────────────────────────────────────────────────────────────────────────
const live = (name) => document.querySelector(`[data-part="${name}"]`);
const button = (name) => document.querySelector(`.fresh[data-for="${name}"]`);
const waiting = new Map(); // section: its newest content, not shown yet
const due = new Set(); // sections to be fetched
const looked = new Map(); // section: when it was fetched last

// The row under the cursor never moves, and nothing that somebody types is taken away.
function held(part) {
  const typed = [...part.querySelectorAll('input:not([type=hidden]), textarea')].some((one) => one.value !== one.defaultValue);
  return typed || part.contains(document.activeElement) || part.matches(':hover');
}

const ids = (root) => [...root.querySelectorAll('[data-rows] > [data-id]')].map((row) => row.dataset.id);

function fresh(name, content) {
  const known = new Set(ids(live(name)));
  return ids(content).filter((id) => !known.has(id)).length;
}

function show(name, content) {
  const part = live(name);
  const open = new Set([...part.querySelectorAll('details[open]')].map((one) => one.id));
  for (const one of content.querySelectorAll('details')) one.open = open.has(one.id);
  const count = fresh(name, content);
  part.replaceChildren(...content.childNodes);
  waiting.delete(name);
  button(name).hidden = true;
  if (count) document.getElementById('news').textContent = `${count} new in ${name}`;
  tick();
}

function offer(name, content) {
  for (const copy of content.querySelectorAll('[data-copy]')) {
    document.querySelector(`[data-copied="${copy.dataset.copy}"]`).innerHTML = copy.innerHTML;
  }
  if (!held(live(name))) return show(name, content);
  waiting.set(name, content);
  const count = fresh(name, content);
  // Rows that are not there yet have a number; a change of those that are there is told as one.
  button(name).textContent = count ? `${count} new ↑` : 'changed ↑';
  button(name).hidden = false;
}

async function look(name) {
  due.delete(name);
  looked.set(name, Date.now());
  const answer = await fetch(`/part/${name}?${opened}`, { credentials: 'same-origin', redirect: 'manual' });
  if (!answer.ok) return;
  const content = document.createElement('template');
  content.innerHTML = await answer.text();
  offer(name, content.content);
}

function work() {
  tick();
  for (const name of BY_TIME) if (Date.now() - (looked.get(name) ?? 0) > SLOW && up) due.add(name);
  if ([...document.querySelectorAll('[data-until]')].some((one) => there() > Number(one.dataset.until) / 1000)) due.add('glass');
  if (document.hidden) return;
  for (const [name, content] of waiting) if (!held(live(name))) show(name, content);
  for (const name of due) {
    if (Date.now() - (looked.get(name) ?? 0) >= EVERY) look(name).catch(() => due.add(name));
  }
}

for (const one of document.querySelectorAll('.fresh')) {
  one.addEventListener('click', () => {
    const name = one.dataset.for;
    const content = waiting.get(name);
    if (content) show(name, content);
    document.getElementById(name).focus();
  });
}

// ── the live link ────────────────────────────────────────────────────────────────────────────────
const badge = document.getElementById('link');
let up = false;
let heard = Date.now();
let ended = '';

function link() {
  const silent = (Date.now() - heard) / 1000;
  const state = ended ? 'lost' : up && silent <= STALE ? 'live' : up ? 'stale' : 'lost';
  const says = { live: `Live ${silent.toFixed(1)} s`, stale: `Stale ${silent.toFixed(0)} s`, lost: ended || `No link for ${silent.toFixed(0)} s` };
  badge.className = `link ${state}`;
  badge.firstElementChild.textContent = { live: '●', stale: '▲', lost: '✕' }[state];
  badge.lastElementChild.textContent = says[state];
}

function hear() {
  up = true;
  heard = Date.now();
}

function follow() {
  if (after) why.set('after', after);
  const source = new EventSource(`/v1/events/stream?${why}`);
  source.addEventListener('open', hear);
  source.addEventListener('error', () => { up = false; });
  source.addEventListener('pulse', (event) => {
    hear();
    ahead = JSON.parse(event.data).at / 1000 - Date.now();
  });
  source.addEventListener('over', (event) => {
    source.close();
    up = false;
    ended = `Signed out: ${event.data}`;
  });
  for (const [kind, names] of Object.entries(PARTS)) {
    source.addEventListener(kind, (event) => {
      hear();
      const about = JSON.parse(event.data).subject;
      for (const name of names) if (live(name) && (!looksAt.has(name) || looksAt.get(name) === about)) due.add(name);
    });
  }
}

if (after !== undefined) {
  follow();
  setInterval(work, 250);
  setInterval(link, 100);
} else {
  setInterval(tick, 1000);
}
