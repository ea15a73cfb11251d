// What stands above and below it all, and the order in which everything is drawn.

// Of each: what people call the packets that were dropped.
const DROPPED = { other: "without an IP address", small: "of small flows",
  capped: "beyond the limit of a flow", duplicates: "duplicates" };

// As a shell takes it.
const quoted = (word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
function command() {
  const inputs = figures.inputs.slice(0, 3), more = result.inputs > 3 ? ["..."] : [];
  return ["cleave", "split", ...inputs.map(quoted), ...more, ...[...result.command, ...places()].map(quoted)].join(" ");
}

// A page among the outputs has them around it, wherever they were moved to.
function places() {
  if (figures.report !== null)
    return [...result.output === null ? ["--dry-run"] : ["-o", figures.output], "--report", figures.report];
  const [directory, page] = location.pathname.split("/").slice(-2).map((part) => {
    try {
      return decodeURIComponent(part);
    } catch { // no UTF-8
      return part;
    }
  });
  return ["-o", directory, "--report", `${directory}/${page}`];
}

// What the totals say exactly is shown in few digits; a pointer that rests there gets all of them.
function drawHead() {
  const about = document.getElementById("about"), totals = document.getElementById("totals");
  for (const [name, format] of [["bytes", bytes], ["ns", duration]])
    for (const data of document.querySelectorAll(`data.${name}`)) {
      data.title = data.textContent;
      data.textContent = format(Number(data.value));
    }
  if (location.protocol === "file:")
    about.append(`. Page written ${new Date(document.lastModified).toISOString().slice(0, 19).replace("T", " ")} UTC.`);
  document.getElementById("theme").before(about,
    html("p", { id: "command" }, html("code", { title: "Without flags of speed" }, command())));
  document.querySelector("main").prepend(totals);
  if (result.verified)
    totals.append(html("div", {}, html("dt", {}, "Verified"), html("dd", {}, plural(result.verified, "file"))));
  for (const [id, text] of [["h-sizes", "Sizes of"], ["h-durations", "Durations of"]])
    document.getElementById(id).textContent = `${text} ${NOUNS.toLowerCase()}`;
  document.getElementById("h-flows").textContent = NOUNS;
}

// Each capture that was damaged or left out, by name and with the place, and what was not listed.
function faultTexts() {
  const captureOf = ({ input }) => result.inputs === 1 ? "The capture" : figures.inputs[input] ?? `Capture ${input + 1}`;
  const where = ({ byte, record }) => (byte === null ? "" : ` at byte ${count(byte)}`) +
    (record === null ? "" : ` (packet ${count(record)})`);
  const texts = result.faults.map((fault) => fault.left_out ? `${captureOf(fault)} is left out: ${fault.what}.`
    : `${captureOf(fault)} is damaged${where(fault)}: ${fault.what}.`);
  const unlisted = result.faulty - result.faults.length, more = result.damages - result.faulty;
  if (unlisted) texts.push(`${plural(unlisted, "more capture")} ${unlisted === 1 ? "is" : "are"} damaged or left out.`);
  if (more) texts.push(`${plural(more, "more fault")} ${more === 1 ? "was" : "were"} found after the first of a capture.`);
  return texts;
}

// Warnings are for damage and for what was dropped; all else is only said.
function drawNotes() {
  const { filtered } = result.dropped;
  const dropped = Object.entries(result.dropped).filter(([why, n]) => n && why in DROPPED)
    .map(([why, n]) => `${plural(n, "packet")} ${DROPPED[why]}`);
  const other = result.other - result.dropped.other, small = result.small - result.dropped.small;
  const are = (n) => n === 1 ? "is" : "are";
  const notes = [
    ...faultTexts().map((text) => [true, text]),
    [true, dropped.length && `Dropped, in no file: ${dropped.join(", ")}.`],
    [false, filtered && `${plural(filtered, "packet")} ${filtered === 1 ? "does" : "do"} not match the filters, ` +
      `and ${are(filtered)} in no file.`],
    [false, other > 0 && `${plural(other, "packet")} ${other === 1 ? "has" : "have"} no IP address (ARP and the like). ` +
      `The totals count ${other === 1 ? "it" : "them"} as "other".`],
    [false, small > 0 && `${plural(small, "packet")} of small flows ${are(small)} in other.pcap, and in the totals as "other".`],
    [false, result.copies && `${plural(result.copies, "packet")} ${are(result.copies)} in the files of both hosts: the files ` +
      `have ${plural(result.records_written, "packet")}, the totals count each once.`],
  ];
  document.getElementById("notes").prepend(...notes.filter(([, text]) => text).map(([warns, text]) =>
    html("p", { class: warns ? "note warning" : "note" }, text)));
}

function drawFoot() {
  const options = Object.entries(result.options)
    .map(([option, value]) => [option.replaceAll("_", " "), String(value)]);
  put("made", `Made by cleave ${figures.cleave}. Bytes are those on the wire.`,
    html("details", {}, html("summary", {}, "All options and captures"), html("div", { class: "wide", tabindex: "0",
      role: "region", "aria-label": "Options" }, html("table", {}, html("tbody", {},
      ...[...figures.inputs.map((path, i) => [`capture ${i + 1}`, path]), ...options].map(([option, value]) =>
        html("tr", {}, html("th", { scope: "row" }, option), html("td", {}, html("bdi", {}, value)))))))));
}

function drawThemes() {
  const names = ["automatic", "light", "dark"], button = document.getElementById("theme");
  let at = 0;
  button.hidden = false;
  button.addEventListener("click", () => {
    at = (at + 1) % names.length;
    document.documentElement.dataset.theme = names[at];
    button.textContent = `Theme: ${names[at]}`;
  });
}

const largest = (list, all) => list.length < all ? `The top ${list.length} of ${count(all)} by bytes. ` : "";
document.querySelector("main").hidden = false;
drawThemes();
drawHead();
drawNotes();
drawTime();
const protocols = figures.by_protocol ? figures.protocols : [];
drawBars("protocols", "Protocol", protocols.slice().sort((a, b) => b[3] - a[3]), byProtocol);
drawBars("services", "Server port", figures.services, byService, `${largest(figures.services, figures.service_count)}` +
  "The server is the end that answered the SYN, or that was looked up, or else a guess from the port numbers.");
drawBars("hosts", "Address", figures.hosts, byHost, `${largest(figures.hosts, figures.host_count)}` +
  `Click a row to list its ${NOUNS.toLowerCase()}.`);
drawBuckets("sizes", figures.sizes, bytes, (n) => /^1/.test(n), "size", "Bytes on the wire", (row) => sum(row, "wire_bytes"));
drawBuckets("durations", figures.durations, duration, isRoundTime, "duration", "From first packet to last", lasted);
drawTable();
// @names
drawLed();
drawGroups();
followLinks();
// @end
