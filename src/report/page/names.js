// @names
// Names of flows and hosts, and what led to what: in pages of runs that know it.

const GROUPED = NOUN === "group";
const TREE_PAGE = 100; // flows of a group that are shown at a time
const LARGEST = 10; // groups in the card
const RELATIONS = { dns: "DNS lookups", sip: "SIP calls", rtsp: "RTSP sessions", ftp: "FTP sessions",
  tftp: "TFTP requests", http: "Web pages", icmp: "Flows of ICMP errors" };
const ROOTS = { sip: "call", rtsp: "session", ftp: "session", tftp: "transfer", http: "page" };
const LOOKUPS = ["dns", "mdns", "llmnr"];

// Names come from the network: they are text, whatever they say, and of any length.
const named = (name) => html("span", { class: "named", title: name }, html("bdi", {}, name));

// By which number other rows know the flow: where flows are cut, each part has its own.
const numberOf = (row) => cell(row, "output") ?? cell(row, "flow");
const byFlow = new Map();
rows.forEach((row, i) => {
  if (isFlow(row) && !byFlow.has(numberOf(row))) byFlow.set(numberOf(row), i);
});

// The end that the flow's own name is of: of a connection the server; of a lookup neither.
function namedEnd(row) {
  if (!cell(row, "name") || cell(row, "name_from") === "sip" || LOOKUPS.includes(cell(row, "app")))
    return null;
  if (cell(row, "initiator") !== null) return cell(row, "initiator") === "src" ? "dst" : "src";
  const from = cell(row, "sport");
  return from !== null && from !== cell(row, "dport") && from === cell(row, "service") ? "src" : "dst";
}

// Names of each address, those with most bytes first.
const hosts = new Map();
for (const row of rows) {
  const address = cell(row, namedEnd(row) ?? "");
  if (address === null) continue;
  if (!hosts.has(address)) hosts.set(address, new Map());
  const names = hosts.get(address), name = cell(row, "name");
  names.set(name, (names.get(name) ?? 0) + sum(row, "wire_bytes"));
}
for (const [address, names] of hosts)
  hosts.set(address, [...names].sort((a, b) => b[1] - a[1]).map(([name]) => name));
const hostName = (address) => (hosts.get(address) ?? [""])[0];
const endName = (row, end) => namedEnd(row) === end ? cell(row, "name") : hostName(cell(row, end));

labels.hosts = (address) => {
  const names = hosts.get(address);
  if (names === undefined) return [html("bdi", {}, address)];
  const more = names.length > 1 ? ` and ${plural(names.length - 1, "other name")}` : "";
  return [named(names[0]), html("bdi", {}, address), html("small", {}, more)];
};

// The table of flows.

const linkTo = (flow, text) => byFlow.has(flow) ? html("a", { href: `#flow-${flow}` }, text) : text;
const lag = (row) => duration(Math.round(cell(row, "lag") * 1e9));
const led = (row) => cell(row, "master") === null ? "" : `${cell(row, "relation")} #${cell(row, "master")}`;
const rowName = (row) => cell(row, "name") ?? "";

// Groups that have rows, by key, as the figures have the largest: flow, lookup, name, flows, packets, bytes.
const groupKey = (flow, lookup) => `group-${flow}-${lookup ?? 0}`;
const members = new Map();
for (const row of GROUPED ? [] : rows) {
  const flow = cell(row, "group"), lookup = cell(row, "lookup") ?? 0, key = groupKey(flow, lookup);
  if (flow === null) continue;
  if (!members.has(key)) members.set(key, [flow, lookup, "", 0, 0, 0]);
  const group = members.get(key);
  if (lookup ? cell(row, "relation") === "dns" : numberOf(row) === flow) group[2] ||= rowName(row);
  group[3]++;
  group[4] += sum(row, "packets");
  group[5] += sum(row, "wire_bytes");
}
function groupOf(row) {
  const group = members.get(groupKey(cell(row, "group"), cell(row, "lookup")));
  return group && (group[1] || group[3] > 1) ? group : null;
}
function groupText(row) {
  const [flow, lookup] = groupOf(row) ?? [];
  return flow === undefined ? "" : lookup ? `#${flow} lookup ${lookup}` : `#${flow}`;
}

// What led there, and the group with what else it led to.
function ledNodes(row) {
  const group = groupOf(row), nodes = led(row) === "" ? []
    : [html("span", { title: `${lag(row)} before` }, linkTo(cell(row, "master"), led(row)))];
  if (group === null) return nodes;
  const [flow, lookup] = group;
  return [...nodes, nodes.length ? " · " : "",
    html("a", { href: `#${groupKey(flow, lookup)}`, title: `The group of ${groupText(row)}` }, "group")];
}
const ledBy = { title: "Led by", extra: true, nodes: ledNodes, text: (row) => led(row) + groupText(row), sorts: [
  { title: "Led by", key: (row) => cell(row, "master") ?? 0, number: false },
  { title: "Group", short: "group", before: "·", key: (row) => groupOf(row)?.[0] ?? 0, number: false }] };
const hasText = (x) => rows.some((row) => x.text(row) !== "");
const nameColumn = single("Name", { key: (row) => rowName(row).toLowerCase(), text: rowName },
  { name: true, nodes: (row) => rowName(row) === "" ? [] : [named(rowName(row))] });
columnsOfFlows.splice(2, 0, ...[nameColumn].filter(hasText));
columnsOfFlows.splice(columnsOfFlows.findIndex((x) => x.title === "Duration") + 1, 0, ...(GROUPED
  ? [single("Group", { number: true, ...plain("group") }), single("Lookup", { number: true, ...plain("lookup") }),
    single("Led to", { number: true, ...plain("led") })] : [ledBy]).filter(hasText));

// Of an end its name, where the row's own does not say it.
for (const x of columnsOfFlows.filter((each) => each.end))
  x.nodes = (row) => {
    const name = endName(row, x.end);
    return [...name === "" || name === rowName(row) ? [] : [named(name)], html("bdi", {}, x.text(row))];
  };

// The application stands beside the protocol.
const appOf = plain("app"), protocolColumn = columnOf("Protocol");
if (protocolColumn !== undefined && hasText(appOf)) {
  protocolColumn.sorts.push({ title: "App", before: "·", key: appOf.key, number: false });
  protocolColumn.nodes = (row) => [protocol(row), ...appOf.text(row) === "" ? [] : [" · ", html("bdi", {}, appOf.text(row))]];
}

// Of the rows that showPage() has made.
function nameRows() {
  [...body.rows].forEach((line, at) => {
    const row = rows[state.order[state.from + at]];
    if (numberOf(row) !== null) fill(line, { id: `flow-${numberOf(row)}`, tabindex: "-1" }, []);
  });
}

// Links to rows and groups, which need not be shown yet.

function showRow(flow) {
  const row = byFlow.get(flow);
  if (row === undefined) return;
  if (!state.order.includes(row)) {
    document.getElementById("search").value = "";
    chosen.clear();
    state.words = [];
    showChosen();
  }
  state.from = Math.floor(state.order.indexOf(row) / TABLE_PAGE) * TABLE_PAGE;
  showPage();
  const line = document.getElementById(`flow-${flow}`);
  line.focus({ preventScroll: true });
  line.scrollIntoView({ block: "center" });
}

function showGroup(id) {
  if (document.getElementById(id) === null && members.has(id)) tree.append(trunk(members.get(id)));
  const group = document.getElementById(id);
  if (group === null) return;
  group.open = true;
  group.firstChild.focus();
}

function follow() {
  const [, kind, flow] = /^#(flow|group)-(\d+)/.exec(location.hash) ?? [];
  if (kind === "flow") showRow(Number(flow));
  if (kind === "group") showGroup(location.hash.slice(1));
}

function followLinks() {
  window.addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => { // again, where it was before
    if (event.target.closest("a")?.hash === location.hash) follow();
  });
  follow();
}

// Groups: a flow or a lookup, and what it led to.

// What a group began with: its flow, if it has a row, says by which protocol.
function rootWord(flow, lookup) {
  if (lookup) return "lookup";
  const row = rows[byFlow.get(flow)];
  return (row && ROOTS[cell(row, "app")]) ?? "flow";
}
function rootName(name, flow) {
  const row = rows[byFlow.get(flow)];
  return name || (row ? `${endpoint(row, "src")} to ${endpoint(row, "dst")}` : `#${flow}`);
}

// Flows in the order of appearance, by what led to them: a flow, or a lookup or flow without a row.
function ledFlows() {
  const found = new Map();
  rows.forEach((row, i) => {
    const master = cell(row, "master"), group = cell(row, "group"), lookup = cell(row, "lookup");
    if (master === null || numberOf(row) === group) return;
    const parent = byFlow.has(master) && !(lookup && master === group) ? master : groupKey(group, lookup);
    if (!found.has(parent)) found.set(parent, []);
    found.get(parent).push(i);
  });
  return found;
}

const tree = html("ul", { class: "tree" });
let below = null; // ledFlows(), when it is first wanted

// What unfolds is made when it does.
function unfolds(summary, list, attributes = {}) {
  const details = html("details", attributes, summary);
  details.addEventListener("toggle", () => {
    if (details.open && details.lastChild === summary) details.append(list());
  });
  return details;
}

function branch(list, ...first) {
  const branched = html("ul", {}, ...first);
  const more = html("li", {}, html("button", { type: "button" }, "More"));
  let at = 0;
  const grow = () => {
    const next = list.slice(at, at + TREE_PAGE).map((i) => leaf(rows[i]));
    branched.append(...next);
    at += next.length;
    if (at < list.length) branched.append(more);
    return next;
  };
  more.firstChild.addEventListener("click", () => {
    more.remove();
    grow()[0].querySelector("a").focus();
  });
  grow();
  return branched;
}

function leaf(row, isRoot = false) {
  const flow = numberOf(row), name = rowName(row), how = cell(row, "relation");
  const list = isRoot ? undefined : below.get(flow);
  const about = [cell(row, "app") ?? cell(row, "proto"), endpoint(row, "src"), "to", endpoint(row, "dst")];
  return html("li", {}, linkTo(flow, `#${flow}`), " ", ...name === "" ? [] : [html("bdi", {}, name), " "],
    html("small", {}, `${about.join(" ")}, ${bytes(sum(row, "wire_bytes"))}` +
      (how === null ? "" : `; ${how}, after ${lag(row)}`)),
    ...list === undefined ? [] : [unfolds(html("summary", {}, `Led to ${plural(list.length, "flow")}`),
      () => branch(list))]);
}

function wholeGroup(flow, lookup) {
  below ??= ledFlows();
  const row = rows[byFlow.get(flow)], others = below.get(groupKey(flow, lookup)) ?? [];
  if (lookup) return branch(others, html("li", {}, `Lookup ${lookup} of `, linkTo(flow, `#${flow}`)));
  return row ? branch((below.get(flow) ?? []).concat(others), leaf(row, true)) : branch(others);
}

function trunk([flow, lookup, name, flows, , wire]) {
  return html("li", {}, unfolds(
    html("summary", {}, `${rootWord(flow, lookup)} `, html("b", {}, html("bdi", {}, rootName(name, flow))),
      `: ${plural(flows, "flow")}, ${bytes(wire)}`),
    () => wholeGroup(flow, lookup), { id: groupKey(flow, lookup) }));
}

function drawGroups() {
  const groups = figures.led?.groups ?? [];
  if (groups.length === 0) {
    document.getElementById("groups").closest("section").hidden = true;
    return;
  }
  const note = largest(groups, figures.led.group_count);
  tree.append(...groups.map(trunk));
  put("groups", ...note === "" ? [] : [html("p", { class: "hint" }, note, "The table of flows has links to the others.")],
    tree);
  if (rows.length < result.outputs) put("groups", html("p", {}, "Flows without a row below are left out."));
}

// The largest groups of a page about groups, which has no tree of them: [the row's place, what
// began it, its name, flows, bytes].
function largestGroups() {
  return rows.filter((row) => cell(row, "led")).map((row) => [row, sum(row, "wire_bytes")])
    .sort((a, b) => b[1] - a[1]).slice(0, LARGEST).map(([row, wire]) => {
      const flow = numberOf(row), lookup = cell(row, "lookup");
      return [`flow-${flow}`, rootWord(flow, lookup), rootName(rowName(row), flow),
        cell(row, "led") + (lookup ? 0 : 1), wire];
    });
}

const byRelation = (title) => ({ kind: "relation", value: title, text: title,
  fits: (row) => RELATIONS[cell(row, "relation")] === title });

function drawLed() {
  if (figures.led === undefined) {
    document.getElementById("led").closest("section").hidden = true;
    return;
  }
  const kinds = figures.led.kinds.map(([kind, ...sums]) => [RELATIONS[kind], ...sums]);
  const table = (heads, lines) => put("led", wide(heads[0], html("table", {},
    html("thead", {}, html("tr", {}, ...heads.map((head, i) => html("th", { scope: "col", class: number(i) }, head)))),
    html("tbody", {}, ...lines.map(([head, ...cells]) => html("tr", {}, html("th", { scope: "row" }, ...head),
      ...cells.map((text) => html("td", { class: "number" }, text))))))));
  if (kinds.length === 0) {
    put("led", html("p", {}, "No flow is known to have led to another one."));
    return;
  }
  if (GROUPED) put("notes", html("p", { class: "note" }, "A group counts as its first flow does: with that flow's " +
    "protocol, service and hosts."));
  if (!GROUPED) {
    drawBars("led", "Led by", kinds.sort((a, b) => b[3] - a[3]), byRelation);
    return;
  }
  // Which flow of a group has which bytes is not known.
  table(["Led by", "Flows"], kinds.map(([kind, flows]) => [[kind], count(flows)]));
  put("led", html("h3", {}, "The largest groups"));
  table(["Group", "Flows", "Bytes"], largestGroups().map(([id, word, name, flows, wire]) =>
    [[html("a", { href: `#${id}` }, named(name)), html("small", {}, word)], count(flows), bytes(wire)]));
}
// @end
