// The table of flows: sorted, searched, and shown a page at a time.

const TABLE_PAGE = 100; // rows

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
const EXTRA = { community_id: "Community ID", vlan: "VLAN", tunnel: "Tunnel", iface: "Interface",
  src_mac: "Source MAC", dst_mac: "Destination MAC", shard: "Shard", output: "Output", part: "Part", end: "End",
  outer_src: "Outer source", outer_dst: "Outer destination" };
const plain = (name) => ({ key: (row) => cell(row, name) ?? "", text: (row) => String(cell(row, name) ?? "") });
const protocol = (row) => isFlow(row) ? cell(row, "proto") ?? "" : OTHER;
// To the microsecond, and of a capture of one day without its date.
const oneDay = result.first?.slice(0, 10) === result.last?.slice(0, 10);
const firstSeen = (row) => moment(cell(row, "first") ?? "").slice(oneDay ? 11 : 0, -3);

// A column: what its rows can be sorted by, each a button of its head, and what it shows of a row.
const showText = (text) => (row) => [html("bdi", {}, text(row))];
function single(title, { key, text, number = false }, more = {}) {
  return { title, sorts: [{ title, key, number }], text, number, nodes: showText(text), ...more };
}
function endOfFlow(title, end) {
  const port = end === "src" ? "sport" : "dport", has = (name) => rows.some((row) => cell(row, name) !== null);
  const sorts = [
    { title, column: end, key: (row) => addressKey(cell(row, end)), number: false },
    { title: `${title} port`, short: "port", before: ":", column: port, key: (row) => cell(row, port) ?? -1, number: true },
  ].filter((x) => rows.length === 0 || has(x.column));
  if (sorts.length === 1) Object.assign(sorts[0], { short: sorts[0].title, before: "" });
  const text = (row) => endpoint(row, end);
  return { title, end, sorts, text, nodes: showText(text) };
}
const total = (what) => ({ number: true, key: (row) => sum(row, what), text: (row) => count(sum(row, what)) });
function fileNodes(row) {
  const file = cell(row, "file"), link = path(file);
  return link === null ? [html("bdi", {}, file)] : [html("a", { href: link, title: file }, "open")];
}
const columnsOfFlows = [
  single("#", { number: true, ...plain("flow") }),
  single("Bytes", total("wire_bytes")),
  endOfFlow("Source", "src"),
  endOfFlow("Destination", "dst"),
  single("Protocol", { key: protocol, text: protocol }),
  single("Packets", total("packets")),
  single("First (UTC)", { key: (row) => cell(row, "first") ?? "", text: firstSeen }),
  single("Duration", { number: true, key: lasted, text: (row) => lasted(row) < 0 ? "" : duration(lasted(row)) }),
  single("File", plain("file"), { extra: true, nodes: fileNodes }),
  ...Object.keys(EXTRA).filter((name) => name in column)
    .map((name) => single(EXTRA[name], plain(name), { extra: true })),
].filter((x) => rows.length === 0 || rows.some((row) => x.text(row) !== ""));
const columnOf = (title) => columnsOfFlows.find((x) => x.title === title);

// Where there is little room one column has the name, and both ends below it; on a telephone it
// comes right after the bytes.
const NARROW = matchMedia(`screen and (max-width: ${"name" in column ? 80 : 64}rem)`);
const TELEPHONE = matchMedia("screen and (max-width: 36rem)");
function stacked() {
  const parts = columnsOfFlows.filter((x) => x.end || x.name);
  if (parts.length < 2) return parts;
  const sorts = parts.flatMap((x, i) => x.sorts.map((sort, k) =>
    k || i === 0 ? sort : { ...sort, before: x.end === "dst" ? "→" : "·" }));
  return [{ title: "Flow", sorts, nodes: (row) => {
    const [name, src, dst] = ["name", "src", "dst"].map((part) =>
      parts.find((x) => part === "name" ? x.name : x.end === part)?.nodes(row) ?? []);
    return [html("div", {}, ...name), html("div", { class: "ends" },
      ...src.length && dst.length ? [html("span", {}, ...src, " →"), " ", html("span", {}, ...dst)] : [...src, ...dst])];
  } }];
}
function columnsNow() {
  if (!NARROW.matches) return columnsOfFlows;
  const others = columnsOfFlows.filter((x) => !x.end && !x.name), at = others.indexOf(columnOf("Bytes"));
  const first = TELEPHONE.matches ? others.splice(at, 1) : others.splice(0, at + 1);
  return [...first, ...stacked(), ...others];
}

const state = { sort: "Bytes", down: true, from: 0, order: [], words: [] };
let searched = null; // the rows' texts, made when they are first wanted
let shown = []; // columns, as there is room for them
const head = html("tr"), body = html("tbody"), status = html("span", { role: "status" });
const pages = {};

function path(file) {
  return figures.links === null ? null
    : figures.links + file.split("/").map(encodeURIComponent).join("/");
}

// What is extra is not printed.
const classOf = (x) => x.number ? "number" : x.extra ? "extra" : null;

function showPage() {
  const last = Math.min(state.from + TABLE_PAGE, state.order.length);
  body.replaceChildren(...state.order.slice(state.from, last).map((i) =>
    html("tr", {}, ...shown.map((x) => html("td", { class: classOf(x) }, ...x.nodes(rows[i]))))));
// @names
  nameRows();
// @end
  status.textContent = state.order.length === 0 ? "nothing found"
    : `${count(state.from + 1)} to ${count(last)} of ${plural(state.order.length, "row")}`;
  pages.First.disabled = pages.Previous.disabled = state.from === 0;
  pages.Next.disabled = pages.Last.disabled = last >= state.order.length;
}

const sortOf = (title) => columnsOfFlows.flatMap((x) => x.sorts).find((x) => x.title === title);
function showSorted() {
  shown.forEach((x, i) => {
    const isSorted = x.sorts.some((sort) => sort.title === state.sort);
    head.cells[i].setAttribute("aria-sort", !isSorted ? "none" : state.down ? "descending" : "ascending");
    head.cells[i].querySelectorAll("button").forEach((button, k) => {
      const { title, short = title } = x.sorts[k];
      button.textContent = short + (title !== state.sort ? "" : state.down ? " ▼" : " ▲");
    });
  });
}

// Heads and rows, as wide as there is room.
function drawColumns() {
  shown = columnsNow();
  head.replaceChildren(...shown.map((x) => html("th", { scope: "col", class: classOf(x) }, ...x.sorts.flatMap((sort) => {
    const { title, short = title, before = "" } = sort;
    const button = html("button", { type: "button", "aria-label": short === title ? null : title }, short);
    button.addEventListener("click", () => {
      state.down = state.sort === title ? !state.down : sort.number;
      state.sort = title;
      sortRows();
    });
    return before === "" ? [button] : [` ${before} `, button];
  }))));
  showSorted();
}

function sortRows() {
  const { key } = sortOf(state.sort), keys = new Map(state.order.map((i) => [i, key(rows[i])]));
  const sign = state.down ? -1 : 1;
  state.order.sort((a, b) => {
    const x = keys.get(a), y = keys.get(b);
    return x === y ? a - b : sign * (x < y ? -1 : 1);
  });
  showSorted();
  state.from = 0;
  showPage();
}

// Rows that fit what was chosen and have all words.
function filterRows() {
  const { words } = state;
  if (words.length)
    searched ??= rows.map((row) =>
      `${row.join(" ")} ${endpoint(row, "src")} ${endpoint(row, "dst")} ${serviceName(serviceOf(row))}`.toLowerCase());
  state.order = [];
  rows.forEach((row, i) => {
    if (fitsChosen(row) && words.every((word) => searched[i].includes(word))) state.order.push(i);
  });
  sortRows();
}

function search(words) {
  state.words = words;
  filterRows();
  if (chosen.size) showChosen();
}

// What a reader has to know of the table.
function tableNotes() {
  const notes = [];
  if (rows.length < result.outputs) {
    const all = result.output !== null && result.options.manifest !== "none";
    notes.push(`The top ${count(rows.length)} of ${count(result.outputs)} by bytes` +
      `${all ? "; the manifest lists all." : "."}`);
  }
  const nested = rows.filter((row) => cell(row, "file").includes("/"));
  if (result.output !== null && nested.length && nested.length < rows.length)
    notes.push(`${plural(result.flows, NOUN)}: those from 10,000 on are in sub-directories.`);
  return notes;
}

function drawTable() {
  drawColumns();
  for (const width of [NARROW, TELEPHONE])
    width.addEventListener("change", () => {
      drawColumns();
      showPage();
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
  put("flows", ...tableNotes().map((note) => html("p", { class: "hint" }, note)),
    html("div", { class: "tools" }, html("label", {}, "Search", input), status, ...Object.values(pages)),
    wide("Flows", html("table", {}, html("thead", {}, head), body)));
  filterRows();
}
