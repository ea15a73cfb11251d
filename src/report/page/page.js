// What stands in the page as JSON becomes elements, here alone, and always as text.
"use strict";

const TABLE_PAGE = 100; // rows
const SVG = "http://www.w3.org/2000/svg";
const CLASSES = [["tcp", "TCP"], ["udp", "UDP"], ["rest", "others"]];

const figures = JSON.parse(document.getElementById("figures").textContent);
const [columns, ...rows] = JSON.parse(document.getElementById("rows").textContent);
const result = figures.result;
// What an output is of, and what the records are called that are of none.
// @plain
const NOUN = columns.includes("shard") ? "shard" : result.options.by === "none" ? "part" : "flow";
// @names
const NOUN = columns.includes("led") ? "group" : "flow";
// @end
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
const rate = (bits) => scaled(bits, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", "Pbit/s"]);

function duration(ns) {
  if (ns < 1e9) return ns === 0 ? "0 s" : scaled(ns, ["ns", "µs", "ms"]);
  const s = ns / 1e9;
  if (s < 60) return `${Number(s.toFixed(s < 10 ? 2 : 1))} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${count(Math.floor(s / 86400))} d ${Math.floor((s % 86400) / 3600)} h`;
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
  return text.slice(0, width >= 1e9 ? -10 : width >= 1e6 ? -6 : -3);
}

// Charts.

// Three to seven lines at round values; largest is more than 0.
function steps(largest) {
  const power = 10 ** Math.floor(Math.log10(largest));
  const step = [0.2, 0.5, 1, 2, 5].map((x) => x * power).find((x) => largest / x <= 6);
  return Array.from({ length: Math.floor(largest / step) + 1 }, (_, i) => i * step);
}

function axes(chart, box, largest, label) {
  for (const value of steps(largest)) {
    const y = box.bottom - (value / largest) * (box.bottom - box.top);
    chart.append(
      svg("line", { class: "grid", x1: box.left, x2: box.right, y1: y, y2: y }),
      svg("text", { x: box.left - 6, y: y + 4, "text-anchor": "end" }, label(value)),
    );
  }
}

// What may be wider than the page scrolls by itself.
const wide = (label, ...children) =>
  html("div", { class: "wide", tabindex: "0", role: "region", "aria-label": label }, ...children);

const number = (i) => i === 0 ? null : "number";
const asTable = (heads, lines) => html("details", {},
  html("summary", {}, "As a table"),
  html("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The same as a table" },
    html("table", {},
      html("thead", {}, html("tr", {}, ...heads.map((head, i) =>
        html("th", { scope: "col", class: number(i) }, head)))),
      html("tbody", {}, ...lines.map((line) =>
        html("tr", {}, ...line.map((cell, i) => html("td", { class: number(i) }, cell))))))));

// Marks of an axis of time: [where, in nanoseconds from the beginning; text]. A short capture counts
// from its beginning, all others by the clock.
function marks(start, length) {
  const short = length < 10e9;
  const units = short ? [1, 2, 5].flatMap((x) => Array.from({ length: 11 }, (_, i) => x * 10 ** i))
    : [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
      ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000].map((x) => x * 86400)]
      .map((x) => x * 1e9);
  const step = units.sort((a, b) => a - b).find((x) => length / x <= 8) ?? length;
  const offset = short ? 0 : Number(((start % BigInt(step)) + BigInt(step)) % BigInt(step));
  const found = [];
  let day = "";
  for (let at = offset === 0 ? 0 : step - offset; at <= length; at += step) {
    const [date, time] = instant(start + BigInt(Math.round(at)), 1e9).split(" ");
    const clock = step >= 86400e9 ? date : step >= 60e9 ? time.slice(0, 5) : time;
    found.push([at, short ? `+${duration(at)}` : date === day || step >= 86400e9 || length < 86400e9
      ? clock : `${date.slice(-5)} ${clock}`]);
    day = date;
  }
  return found;
}

function drawTime() {
  const bins = figures.timeline;
  if (bins.length === 0) {
    put("time", html("p", {}, result.records_read === 0 ? "The capture has no records."
      : result.records_written === 0 ? "No record was asked for." : "No record has a time."));
    return;
  }
  if (result.first === result.last)
    put("time", html("p", {}, "All records have the same time."));
  const used = figures.by_protocol
    ? [0, 1, 2].filter((k) => bins.some((bin) => bin[k + 1] > 0)) : [];
  const classes = used.length ? used.map((k) => CLASSES[k]) : [["tcp", "all"]];
  const values = bins.map((bin) =>
    used.length ? used.map((k) => bin[k + 1]) : [bin[1] + bin[2] + bin[3]]);
  const seconds = figures.width_ns / 1e9;
  const sums = values.map((bin) => bin.reduce((sum, x) => sum + x, 0));
  const largest = Math.max(...sums.map((sum) => (sum * 8) / seconds)) || 1;
  const box = { left: 80, right: 1190, top: 10, bottom: 250 };
  const width = (box.right - box.left) / bins.length;
  const start = BigInt(figures.first_bin) * BigInt(figures.width_ns);
  const peak = sums.indexOf(Math.max(...sums));
  const when = (i) => instant(start + BigInt(i) * BigInt(figures.width_ns), figures.width_ns);
  const chart = svg("svg", {
    viewBox: "0 0 1200 285", role: "img", tabindex: "0",
    "aria-label": `Traffic from ${when(0)} on, in ${plural(bins.length, "step")} of ` +
      `${duration(figures.width_ns)}; most, ${rate((sums[peak] * 8) / seconds)}, at ${when(peak)}. Arrow keys go from step to step.`,
  });
  axes(chart, box, largest, rate);
  const base = bins.map(() => 0);
  classes.forEach(([name], k) => {
    let path = "";
    values.forEach((bin, i) => {
      if (bin[k] === 0) return;
      const y = (bits) => box.bottom - (bits / largest) * (box.bottom - box.top);
      const from = (base[i] * 8) / seconds;
      base[i] += bin[k];
      const top = y((base[i] * 8) / seconds), height = y(from) - top;
      path += `M${(box.left + i * width).toFixed(2)} ${top.toFixed(2)}h${width.toFixed(2)}` +
        `v${height.toFixed(2)}h${(-width).toFixed(2)}z`;
    });
    chart.append(svg("path", { class: name, d: path }));
  });
  for (const [at, text] of marks(start, bins.length * figures.width_ns)) {
    const x = box.left + (at / figures.width_ns) * width;
    chart.append(svg("line", { class: "grid", x1: x, x2: x, y1: box.bottom, y2: box.bottom + 5 }),
      svg("text", { x, y: box.bottom + 20, "text-anchor": x > box.right - 40 ? "end" : "middle" }, text));
  }
  const mark = svg("line", { class: "mark", y1: box.top, y2: box.bottom, visibility: "hidden" });
  chart.append(mark);
  const said = html("output", { "aria-live": "off" }, "");
  let told = peak;
  const tell = (i) => {
    told = Math.min(bins.length - 1, Math.max(0, i));
    i = told;
    const parts = classes.map(([, title], k) => `${title} ${rate((values[i][k] * 8) / seconds)}`);
    said.textContent = `${when(i)}: ${parts.join(", ")}, ${plural(bins[i][0], "packet")}`;
    mark.setAttribute("x1", box.left + (i + 0.5) * width);
    mark.setAttribute("x2", box.left + (i + 0.5) * width);
    mark.setAttribute("visibility", "visible");
  };
  chart.addEventListener("pointermove", (event) => {
    const area = chart.getBoundingClientRect();
    const x = ((event.clientX - area.left) / area.width) * 1200;
    tell(Math.floor((x - box.left) / width));
  });
  chart.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    said.setAttribute("aria-live", "polite");
    tell(told + step);
  });
  put("time",
    html("div", { class: "legend" }, ...classes.map(([name, title]) =>
      html("span", {}, html("i", { class: name }), title)),
      html("span", {}, `mean of ${duration(figures.width_ns)} each`), said),
    wide("Traffic over time", chart),
    asTable(["From (UTC)", "Packets", ...classes.map(([, title]) => `${title}, bytes`)],
      bins.map((bin, i) => [when(i), count(bin[0]), ...values[i].map(count)])));
  if (figures.far)
    put("time", html("p", {}, `${plural(figures.far, "record")} with times far from all others are left out.`));
  if (figures.timeless)
    put("time", html("p", {}, `${plural(figures.timeless, "record")} without a time are left out.`));
}

function drawBars(id, head, list, note) {
  if (list.length === 0) {
    document.getElementById(id).closest("section").hidden = true;
    return;
  }
  const most = Math.max(...list.map((x) => x[3]), 1);
  put(id, wide(head, html("table", {},
    html("thead", {}, html("tr", {}, html("th", { scope: "col" }, head), html("td", { class: "bar" }),
      ...["Bytes", "Packets", NOUNS].map((x) => html("th", { scope: "col", class: "number" }, x)))),
    html("tbody", {}, ...list.map(([name, flows, packets, wire]) => {
      const bar = html("i", { class: "tcp" });
      bar.style.width = `${(100 * wire) / most}%`;
      return html("tr", {}, html("th", { scope: "row" }, name), html("td", { class: "bar" }, bar),
        html("td", { class: "number" }, bytes(wire)), html("td", { class: "number" }, count(packets)),
        html("td", { class: "number" }, name === OTHER ? "" : count(flows)));
    })))));
  if (note) put(id, html("p", {}, note));
}

// Buckets: [least, flows, packets, bytes], each up to where the next one begins.
function drawBuckets(id, buckets, format, what) {
  if (buckets.length === 0) {
    document.getElementById(id).closest("section").hidden = true;
    return;
  }
  const next = (least) => least === 0 ? 1 : least * (/^2/.test(least.toExponential()) ? 2.5 : 2);
  const range = (least) => least === 0 ? "0" : `${format(least)} to ${format(next(least))}`;
  const box = { left: 80, right: 590, top: 10, bottom: 190 };
  const largest = Math.max(...buckets.map((x) => x[1]));
  const most = buckets.find((x) => x[1] === largest);
  const width = (box.right - box.left) / buckets.length;
  const every = Math.ceil(buckets.length / 7);
  const chart = svg("svg", {
    viewBox: "0 0 600 225", role: "img",
    "aria-label": `Number of ${NOUNS.toLowerCase()} by ${what}; most, ${count(largest)}, have ${range(most[0])}.`,
  });
  axes(chart, box, largest, (x) => Number.isInteger(x) ? count(x) : "");
  buckets.forEach(([least, flows], i) => {
    const height = (flows / largest) * (box.bottom - box.top);
    const bar = svg("rect", { class: "tcp", x: box.left + i * width + 1, y: box.bottom - height,
      width: Math.max(width - 2, 1), height },
      svg("title", {}, `${range(least)}: ${plural(flows, NOUN)}`));
    chart.append(bar);
    if (i % every === 0)
      chart.append(svg("text", { x: box.left + i * width, y: box.bottom + 18,
        "text-anchor": i === 0 ? "start" : "middle" }, format(least)));
  });
  put(id, wide(what, chart), asTable(["From", NOUNS, "Packets", "Bytes"],
    buckets.map(([least, ...sums]) => [format(least), ...sums.map(count)])));
}

// The table of flows: sorted, searched, and shown a page at a time.

const column = Object.fromEntries(columns.map((name, i) => [name, i]));
const cell = (row, name) => name in column ? row[column[name]] : null;
const sum = (row, what) => (cell(row, `src_${what}`) || 0) + (cell(row, `dst_${what}`) || 0);

// So that addresses sort by their numbers: groups as long as they can be, IPv4 before IPv6.
function addressKey(address) {
  if (address === null) return "";
  if (!address.includes(":")) return address.split(".").map((x) => x.padStart(3, "0")).join(".");
  const [head, tail] = address.split("::").map((part) => part === "" ? [] : part.split(":"));
  const zeros = tail === undefined ? [] : Array(Math.max(0, 8 - head.length - tail.length)).fill("0");
  return `v6 ${[...head, ...zeros, ...(tail ?? [])].map((x) => x.padStart(4, "0")).join(":")}`;
}
function endpoint(row, end) {
  const address = cell(row, end), port = cell(row, end === "src" ? "sport" : "dport");
  if (address === null) return port === null ? "" : `port ${port}`;
  if (port === null) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
const endpointKey = (row, end) => addressKey(cell(row, end)) +
  String(cell(row, end === "src" ? "sport" : "dport") ?? "").padStart(6, "0");
function lasted(row) {
  const first = cell(row, "first"), last = cell(row, "last");
  return first === null || last === null ? -1 : Number(nanoseconds(last) - nanoseconds(first));
}

const EXTRA = { community_id: "Community ID", vlan: "VLAN", tunnel: "Tunnel", iface: "Interface",
  src_mac: "Source MAC", dst_mac: "Destination MAC", shard: "Shard", part: "Part", end: "End",
  outer_src: "Outer source", outer_dst: "Outer destination" };
const plain = (name) => ({ key: (row) => cell(row, name) ?? "", text: (row) => String(cell(row, name) ?? "") });
const shown = [
  { title: "#", number: true, ...plain("flow") },
  { title: "Protocol", ...plain("proto") },
  { title: "Source", key: (row) => endpointKey(row, "src"), text: (row) => endpoint(row, "src") },
  { title: "Destination", key: (row) => endpointKey(row, "dst"), text: (row) => endpoint(row, "dst") },
  { title: "Packets", number: true, key: (row) => sum(row, "packets"), text: (row) => count(sum(row, "packets")) },
  { title: "Bytes", number: true, key: (row) => sum(row, "wire_bytes"), text: (row) => count(sum(row, "wire_bytes")) },
  { title: "First (UTC)", key: (row) => cell(row, "first") ?? "", text: (row) => moment(cell(row, "first") ?? "").slice(0, -3) },
  { title: "Duration", number: true, key: lasted, text: (row) => lasted(row) < 0 ? "" : duration(lasted(row)) },
  { title: "File", file: true, ...plain("file") },
  ...Object.keys(EXTRA).filter((name) => name in column).map((name) => ({ title: EXTRA[name], ...plain(name) })),
].filter((x) => rows.length === 0 || rows.some((row) => x.text(row) !== ""));

// @script
const BYTES = shown.findIndex((x) => x.title === "Bytes");
const state = { sort: BYTES, down: true, from: 0, order: [] };
let searched = null; // the rows' texts, made when they are first wanted
const body = html("tbody"), heads = shown.map(() => null), status = html("span", { role: "status" });
const pages = {};

function path(file) {
  return figures.links === null ? null
    : figures.links + file.split("/").map(encodeURIComponent).join("/");
}

function showPage() {
  const last = Math.min(state.from + TABLE_PAGE, state.order.length);
  body.replaceChildren(...state.order.slice(state.from, last).map((i) =>
    html("tr", {}, ...shown.map((x) => {
      const text = x.text(rows[i]);
      const link = x.file ? path(text) : null;
      return html("td", { class: x.number ? "number" : x.file ? "file" : null, title: x.file ? text : null },
        link === null ? html("bdi", {}, text) : html("a", { href: link }, html("bdi", {}, text)));
    }))));
// @names
  nameRows();
// @end
  status.textContent = state.order.length === 0 ? "nothing found"
    : `${count(state.from + 1)} to ${count(last)} of ${plural(state.order.length, "row")}`;
  pages.First.disabled = pages.Previous.disabled = state.from === 0;
  pages.Next.disabled = pages.Last.disabled = last >= state.order.length;
}

function sortRows() {
  const key = shown[state.sort].key, keys = new Map(state.order.map((i) => [i, key(rows[i])]));
  const sign = state.down ? -1 : 1;
  state.order.sort((a, b) => {
    const x = keys.get(a), y = keys.get(b);
    return x === y ? a - b : sign * (x < y ? -1 : 1);
  });
  heads.forEach((head, i) => {
    head.setAttribute("aria-sort", i !== state.sort ? "none" : state.down ? "descending" : "ascending");
    head.firstChild.textContent = shown[i].title + (i !== state.sort ? "" : state.down ? " ▼" : " ▲");
  });
  state.from = 0;
  showPage();
}

function search(words) {
  searched ??= rows.map((row) =>
    `${row.join(" ")} ${endpoint(row, "src")} ${endpoint(row, "dst")}`.toLowerCase());
  state.order = [];
  for (let i = 0; i < rows.length; i++)
    if (words.every((word) => searched[i].includes(word))) state.order.push(i);
  sortRows();
}

function drawTable() {
  shown.forEach((x, i) => {
    const button = html("button", { type: "button" }, x.title);
    button.addEventListener("click", () => {
      state.down = state.sort === i ? !state.down : Boolean(x.number);
      state.sort = i;
      sortRows();
    });
    heads[i] = html("th", { scope: "col", class: x.number ? "number" : null }, button);
  });
  const input = html("input", { type: "search", id: "search", placeholder: "address, port, protocol, file ..." });
// @names
  input.placeholder = "name, address, port, file ...";
// @end
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() =>
      search(input.value.toLowerCase().split(/\s+/).filter((word) => word !== "")), 150);
  });
  const moves = {
    First: () => 0,
    Previous: () => Math.max(0, state.from - TABLE_PAGE),
    Next: () => state.from + TABLE_PAGE,
    Last: () => Math.floor((state.order.length - 1) / TABLE_PAGE) * TABLE_PAGE,
  };
  for (const [name, move] of Object.entries(moves)) {
    pages[name] = html("button", { type: "button" }, name);
    pages[name].addEventListener("click", () => {
      state.from = move();
      showPage();
    });
  }
  if (rows.length < result.outputs)
    put("flows", html("p", {}, `The ${count(rows.length)} with most bytes of ` +
      `${count(result.outputs)}; all are in the manifest.`));
  put("flows",
    html("div", { class: "tools" }, html("label", {}, "Search", input), status, ...Object.values(pages)),
    wide("Flows", html("table", {}, html("thead", {}, html("tr", {}, ...heads)), body)));
  state.order = rows.map((_, i) => i);
  sortRows();
}

// What stands above it all.

function drawHead() {
  const [input, ...more] = figures.inputs;
  const name = input.split("/").pop() + (more.length ? ` and ${plural(result.inputs - 1, "more capture")}` : "");
  document.title = `${name} - cleave`;
  document.getElementById("title").replaceChildren(html("bdi", {}, name));
  for (const [id, text] of [["h-sizes", "Sizes of"], ["h-durations", "Durations of"]])
    document.getElementById(id).textContent = `${text} ${NOUNS.toLowerCase()}`;
  document.getElementById("h-flows").textContent = NOUNS;
  if (result.first)
    put("subtitle", `${moment(result.first)} to ${moment(result.last)} UTC`);
  const wire = figures.protocols.reduce((all, x) => all + x[3], 0);
  const totals = [
    ["Records", result.copies || result.records_read === result.records_written ? count(result.records_read)
      : `${count(result.records_written)} of ${count(result.records_read)}`],
    [NOUNS, count(result.flows)],
    ["Files", result.output === null ? "none: a dry run" : count(result.outputs)],
    ["Bytes on the wire", bytes(wire)], ["Hosts", figures.host_count ? count(figures.host_count) : null],
    ["Duration", result.first ? duration(Number(nanoseconds(result.last) - nanoseconds(result.first))) : null],
    ["Verified", result.verified ? plural(result.verified, "file") : null],
  ];
  put("totals", ...totals.filter(([, value]) => value !== null)
    .map(([title, value]) => html("div", {}, html("dt", {}, title), html("dd", {}, value))));
  const dropped = Object.entries(result.dropped).filter(([, n]) => n);
  const notes = [
    result.damage ? `${result.damages > 1 ? `${plural(result.damages, "fault")}, the first` : "A fault"}` +
      `${result.damage.byte === null ? "" : ` at byte ${count(result.damage.byte)}`}` +
      `${result.damage.record === null ? "" : ` (record ${count(result.damage.record)})`}: ${result.damage.what}` : null,
    result.other - result.dropped.other > 0 ? `${plural(result.other - result.dropped.other, "record")} without ` +
      "a sound network address: in no flow, but among the sums, as other." : null,
    result.small - result.dropped.small > 0 ? `${plural(result.small - result.dropped.small, "record")} of small ` +
      "flows: without rows of their own, but among the sums, as other." : null,
    dropped.length ? `Dropped: ${dropped.map(([why, n]) => `${plural(n, "record")} (${why})`).join(", ")}` : null,
    result.copies ? `${plural(result.copies, "record")} ${result.copies === 1 ? "is" : "are"} in the files of both hosts: ` +
      `the files have ${plural(result.records_written, "record")}, the sums above count each once.` : null,
  ];
  put("notes", ...notes.filter((note) => note !== null).map((note) => html("p", { class: "note" }, note)));
  const options = Object.entries(result.options)
    .map(([option, value]) => [option.replaceAll("_", " "), String(value)]);
  put("made", `Made by cleave ${figures.cleave}. Bytes are those on the wire.`,
    html("details", {}, html("summary", {}, "How it was made"), html("table", {}, html("tbody", {},
      ...[...figures.inputs.map((path, i) => [`capture ${i + 1}`, path]), ...options].map(([option, value]) =>
        html("tr", {}, html("th", { scope: "row" }, option), html("td", {}, html("bdi", {}, value))))))));
}

function themes() {
  const names = ["automatic", "light", "dark"], button = document.getElementById("theme");
  let at = 0;
  button.addEventListener("click", () => {
    at = (at + 1) % names.length;
    document.documentElement.dataset.theme = names[at];
    button.textContent = `Theme: ${names[at]}`;
  });
}

themes();
drawHead();
drawTime();
drawBars("protocols", "Protocol", figures.protocols.slice().sort((a, b) => b[3] - a[3]));
const largest = (list, all) => list.length < all ? `The ${list.length} with most bytes of ${count(all)}. ` : "";
drawBars("services", "Port of the server", figures.services,
  `${largest(figures.services, figures.service_count)}The server is the end that a SYN names if a flow begins with one, else a guess from the ports.`);
drawBars("hosts", "Address", figures.hosts, largest(figures.hosts, figures.host_count));
// @names
nameHosts();
// @end
drawBuckets("sizes", figures.sizes, bytes, "bytes");
drawBuckets("durations", figures.durations, duration, "duration");
drawTable();
// @names
drawLed();
drawGroups();
followLinks();
// @end
