// What stands in the page as JSON becomes elements, here alone, and always as text.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const CLASSES = [["tcp", "TCP"], ["udp", "UDP"], ["rest", "others"]];

const figures = JSON.parse(document.getElementById("figures").textContent);
const [columns, ...rows] = JSON.parse(document.getElementById("rows").textContent);
const result = figures.result;
// What an output is of, and what the packets are called that are of none.
const NOUN = figures.noun;
const NOUNS = `${NOUN[0].toUpperCase()}${NOUN.slice(1)}s`;
const OTHER = "other";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes))
    if (value !== null) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const html = (name, attributes = {}, ...children) =>
  fill(document.createElement(name), attributes, children);
const svg = (name, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);
const put = (id, ...children) => document.getElementById(id).append(...children);

// Figures as people read them.

const grouped = new Intl.NumberFormat("en");
const count = (n) => grouped.format(n);
const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

function scaled(value, units) {
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 && Number.isInteger(value) ? 0 : value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${units[unit]}`;
}
const bytes = (n) => scaled(n, ["B", "kB", "MB", "GB", "TB", "PB", "EB"]);
const bitRate = (bits) => scaled(bits, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", "Pbit/s"]);
const packetRate = (packets) => scaled(packets, ["pps", "kpps", "Mpps", "Gpps"]);

function duration(ns) {
  if (ns < 1e9) return ns === 0 ? "0 s" : scaled(ns, ["ns", "µs", "ms"]);
  const s = ns / 1e9;
  if (s < 60) return `${Number(s.toFixed(s < 10 ? 2 : 1))} s`;
  const [large, size, small, part] = s < 3600 ? ["min", 60, "s", 1] : s < 86400 ? ["h", 3600, "min", 60]
    : ["d", 86400, "h", 3600];
  const rest = Math.floor((s % size) / part);
  return `${count(Math.floor(s / size))} ${large}${rest ? ` ${rest} ${small}` : ""}`;
}

// "2026-11-22T23:59:59.123456789Z": to nanoseconds, which no number of this language holds.
function nanoseconds(text) {
  const [whole, fraction] = text.replace("Z", "").split(".");
  return BigInt(Date.parse(`${whole}Z`)) * 1000000n + BigInt(fraction);
}
const moment = (text) => text.replace("T", " ").replace("Z", "");

// Of nanoseconds since the epoch; a width says how many digits there is a use for.
function instant(ns, width) {
  const ms = ns / 1000000n - (ns % 1000000n < 0n ? 1n : 0n);
  const iso = new Date(Number(ms)).toISOString().replace("T", " ").replace("Z", "");
  const text = iso + String(ns - ms * 1000000n).padStart(6, "0");
  return width < 1e3 ? text : text.slice(0, width >= 1e9 ? -10 : width >= 1e6 ? -6 : -3);
}

// As the rows have times, so that both compare as text.
const rowTime = (ns) => `${instant(ns, 1).replace(" ", "T")}Z`;

// A row's cells by name.

const column = Object.fromEntries(columns.map((name, i) => [name, i]));
const cell = (row, name) => name in column ? row[column[name]] : null;
const sum = (row, what) => (cell(row, `src_${what}`) || 0) + (cell(row, `dst_${what}`) || 0);
const isFlow = (row) => cell(row, "flow") !== null;
function lasted(row) {
  const first = cell(row, "first"), last = cell(row, "last");
  return first === null || last === null ? -1 : Number(nanoseconds(last) - nanoseconds(first));
}
// By protocol and port of the server, as the figures have them.
function serviceOf(row) {
  const port = cell(row, "service");
  return port === null ? null : `${cell(row, "proto")}/${port}`;
}
const serviceName = (service) => figures.port_names[service] ?? "";
