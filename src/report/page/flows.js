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
const address = (name) => ({ key: (row) => addressKey(cell(row, name)), text: (row) => cell(row, name) ?? "" });
const port = (name) => ({ number: true, key: (row) => cell(row, name) ?? -1, text: (row) => String(cell(row, name) ?? "") });
const plain = (name) => ({ key: (row) => cell(row, name) ?? "", text: (row) => String(cell(row, name) ?? "") });
const protocol = (row) => isFlow(row) ? cell(row, "proto") ?? "" : OTHER;
// To the microsecond, and of a capture of one day without its date.
const oneDay = result.first?.slice(0, 10) === result.last?.slice(0, 10);
const firstSeen = (row) => moment(cell(row, "first") ?? "").slice(oneDay ? 11 : 0, -3);
const shown = [
  { title: "#", number: true, ...plain("flow") },
  { title: "Protocol", key: protocol, text: protocol },
  { title: "Source", ...address("src") },
  { title: "Source port", ...port("sport") },
  { title: "Destination", ...address("dst") },
  { title: "Destination port", ...port("dport") },
  { title: "Packets", number: true, key: (row) => sum(row, "packets"), text: (row) => count(sum(row, "packets")) },
  { title: "Bytes", number: true, key: (row) => sum(row, "wire_bytes"), text: (row) => count(sum(row, "wire_bytes")) },
  { title: "First (UTC)", key: (row) => cell(row, "first") ?? "", text: firstSeen },
  { title: "Duration", number: true, key: lasted, text: (row) => lasted(row) < 0 ? "" : duration(lasted(row)) },
  { title: "File", file: true, extra: true, ...plain("file") },
  ...Object.keys(EXTRA).filter((name) => name in column)
    .map((name) => ({ title: EXTRA[name], extra: true, ...plain(name) })),
].filter((x) => rows.length === 0 || rows.some((row) => x.text(row) !== ""));
// A telephone shows few columns at a time: what rows are sorted by is the first of them.
if (matchMedia("(max-width: 36rem)").matches)
  shown.unshift(...shown.splice(shown.findIndex((x) => x.title === "Bytes"), 1));

const state = { sort: 0, down: true, from: 0, order: [], words: [] };
let searched = null; // the rows' texts, made when they are first wanted
const body = html("tbody"), heads = shown.map(() => null), status = html("span", { role: "status" });
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
    html("tr", {}, ...shown.map((x) => {
      const text = x.text(rows[i]);
      const link = x.file ? path(text) : null;
      return html("td", { class: classOf(x), title: x.file ? text : null },
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
  shown.forEach((x, i) => {
    const button = html("button", { type: "button" }, x.title);
    button.addEventListener("click", () => {
      state.down = state.sort === i ? !state.down : Boolean(x.number);
      state.sort = i;
      sortRows();
    });
    heads[i] = html("th", { scope: "col", class: classOf(x) }, button);
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
    wide("Flows", html("table", {}, html("thead", {}, html("tr", {}, ...heads)), body)));
  state.sort = shown.findIndex((x) => x.title === "Bytes");
  filterRows();
}
