// Charts, drawn as wide as there is room, so that their text stays as large as all other text.

const CHART_MIN = 230, PRINTED = 700, BAR_MAX = 90; // widths in pixels; what paper has room for

// Draws now, and again when the width changes.
function drawAsWide(area, draw) {
  let width = 0;
  const fit = (wanted) => {
    const rounded = Math.max(CHART_MIN, Math.floor(wanted));
    if (rounded !== width && wanted > 0) draw(width = rounded);
  };
  fit(area.clientWidth || CHART_MIN);
  new ResizeObserver(() => fit(area.clientWidth)).observe(area);
  window.addEventListener("beforeprint", () => fit(area.closest(".columns") ? PRINTED / 2 : PRINTED));
  window.addEventListener("afterprint", () => fit(area.clientWidth));
}

// A step between lines at round values, of which there are at most seven up to the axis's end.
function scale(largest, whole = false) {
  const power = 10 ** Math.floor(Math.log10(largest));
  const step = [0.2, 0.5, 1, 2, 5].map((x) => x * power).find((x) => largest / x <= 6 && (!whole || x >= 1));
  return { step, end: Math.ceil(largest / step - 1e-9) * step };
}

function axes(chart, box, { step, end }, label, titles) {
  for (let i = 0; i * step <= end * 1.000001; i++) {
    const y = box.bottom - ((i * step) / end) * (box.bottom - box.top);
    chart.append(
      svg("line", { class: "grid", x1: box.left, x2: box.right, y1: y, y2: y }),
      svg("text", { x: box.left - 6, y: y + 4, "text-anchor": "end" }, label(i * step)),
    );
  }
  chart.append(
    svg("text", { class: "axis", x: 0, y: 12 }, titles[0]),
    svg("text", { class: "axis", x: box.right, y: box.bottom + 38, "text-anchor": "end" }, titles[1]));
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

// Marks of an axis of time, as many as its pixels have room for and two at least: [where, in
// nanoseconds from the beginning; text]. A short capture counts from its beginning, all others by the clock.
const isShort = (length) => length < 10e9;
function marksEvery(step, start, length) {
  const offset = isShort(length) ? 0 : Number(((start % BigInt(step)) + BigInt(step)) % BigInt(step));
  const found = [];
  let day = "";
  for (let at = offset === 0 ? 0 : step - offset; at <= length; at += step) {
    const [date, time] = instant(start + BigInt(Math.round(at)), 1e9).split(" ");
    const clock = step >= 86400e9 ? date : step >= 60e9 ? time.slice(0, 5) : time;
    found.push([at, isShort(length) ? `+${duration(at)}` : date === day || step >= 86400e9 || length < 86400e9
      ? clock : `${date.slice(-5)} ${clock}`]);
    day = date;
  }
  return found;
}
function marks(start, length, pixels) {
  const LETTER = 6.7, BETWEEN = 14, MOST = 100;
  const units = isShort(length) ? [1, 2, 5].flatMap((x) => Array.from({ length: 11 }, (_, i) => x * 10 ** i))
    : [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
      ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000].map((x) => x * 86400)]
      .map((x) => x * 1e9);
  for (const step of units.sort((a, b) => a - b)) {
    if (length / step > MOST) continue;
    const found = marksEvery(step, start, length), longest = Math.max(...found.map(([, text]) => text.length));
    if (found.length < 2) break;
    if (longest * LETTER + BETWEEN <= (pixels * step) / length && found.length * 50 <= pixels) return found;
  }
  return [0, length].map((at) => [at, isShort(length) ? `+${duration(at)}`
    : instant(start + BigInt(at), 1e9).slice(length < 86400e9 ? 11 : 0)]);
}

// Traffic over time: in bits or packets per second, by class where protocols are known.

function timeSeries() {
  const bins = figures.timeline, seconds = figures.width_ns / 1e9;
  const used = figures.by_protocol
    ? [0, 1, 2].filter((k) => bins.some((bin) => bin[k + 1] > 0)) : [];
  const wire = (bin) => used.length ? used.map((k) => bin[k + 1]) : [bin[1] + bin[2] + bin[3]];
  return {
    bits: { title: "Bits per second", short: "bit/s", format: bitRate,
      classes: used.length ? used.map((k) => CLASSES[k]) : [["tcp", "all"]],
      values: bins.map((bin) => wire(bin).map((n) => (n * 8) / seconds)) },
    packets: { title: "Packets per second", short: "packets/s", format: packetRate,
      classes: [["tcp", "all"]], values: bins.map((bin) => [bin[0] / seconds]) },
  };
}

function drawSeries(chart, box, { classes, values }, width, end) {
  const base = values.map(() => 0);
  const y = (value) => box.bottom - (value / end) * (box.bottom - box.top);
  classes.forEach(([name], k) => {
    let path = "";
    values.forEach((bin, i) => {
      if (bin[k] === 0) return;
      const from = base[i];
      base[i] += bin[k];
      const top = y(base[i]);
      path += `M${(box.left + i * width).toFixed(2)} ${top.toFixed(2)}h${width.toFixed(2)}` +
        `v${(y(from) - top).toFixed(2)}h${(-width).toFixed(2)}z`;
    });
    chart.append(svg("path", { class: name, d: path }));
  });
}

function drawTime() {
  const bins = figures.timeline;
  if (bins.length === 0) {
    put("time", html("p", {}, result.records_read === 0 ? "The capture has no packets."
      : result.records_written === 0 ? "No packet matches the filters." : "No packet has a time."));
    return;
  }
  if (result.first === result.last)
    put("time", html("p", {}, "All packets have the same time."));
  const series = timeSeries(), length = bins.length * figures.width_ns;
  const start = BigInt(figures.first_bin) * BigInt(figures.width_ns);
  const edge = (i) => start + BigInt(i) * BigInt(figures.width_ns);
  const when = (i) => instant(edge(i), figures.width_ns);
  const legend = html("span"), said = html("output", { "aria-live": "off" }, ""), area = html("div", { class: "chart" });
  let shown = series.bits, told = 0, anchor = null, to = null, box, width, chart, mark, brush;

  const total = (bin) => bin.reduce((sum, x) => sum + x, 0);
  const place = (element, x, size) => fill(element, { x, width: size, visibility: "visible" }, []);
  function showBrush() {
    const range = anchor === null ? chosen.get("time") : { first: Math.min(anchor, to), last: Math.max(anchor, to) };
    if (range) place(brush, box.left + range.first * width, (range.last - range.first + 1) * width);
    else brush.setAttribute("visibility", "hidden");
  }
  function tell(i) {
    told = Math.min(bins.length - 1, Math.max(0, i));
    const parts = shown.classes.map(([, title], k) =>
      `${shown.classes.length > 1 ? `${title} ` : ""}${shown.format(shown.values[told][k])}`);
    said.textContent = `${when(told)} UTC: ${parts.join(", ")}, ${plural(bins[told][0], "packet")}`;
    const x = box.left + (told + 0.5) * width;
    fill(mark, { x1: x, x2: x, visibility: "visible" }, []);
  }
  const binAt = (event) => {
    const at = chart.getBoundingClientRect();
    const x = ((event.clientX - at.left) / at.width) * chart.viewBox.baseVal.width;
    return Math.min(bins.length - 1, Math.max(0, Math.floor((x - box.left) / width)));
  };
  function finish() {
    const [first, last] = [Math.min(anchor, to), Math.max(anchor, to)];
    anchor = null;
    choose(byTime(`${when(first)} to ${when(last + 1)} UTC`, first, last, rowTime(edge(first)), rowTime(edge(last + 1))));
  }
  const extend = (i) => {
    tell(i);
    if (anchor !== null) to = told;
    showBrush();
  };
  const handlers = {
    pointerdown: (event) => {
      if (event.button !== 0) return;
      chart.setPointerCapture(event.pointerId);
      anchor = to = binAt(event);
      extend(anchor);
    },
    pointermove: (event) => extend(binAt(event)),
    pointerup: () => anchor !== null && finish(),
    pointercancel: () => {
      anchor = null;
      showBrush();
    },
    keydown: (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step === undefined && event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault();
      said.setAttribute("aria-live", "polite");
      if (step !== undefined) {
        anchor = event.shiftKey ? anchor ?? told : null;
        extend(told + step);
      } else if (event.key === "Enter") {
        anchor ??= to = told;
        finish();
      } else {
        anchor = null;
        chosen.delete("time");
        showChosen();
      }
    },
  };
  function draw(size) {
    const sums = shown.values.map(total), largest = Math.max(...sums) || 1, peak = sums.indexOf(Math.max(...sums));
    box = { left: 78, right: size - 12, top: 26, bottom: 240 };
    width = (box.right - box.left) / bins.length;
    chart = svg("svg", {
      viewBox: `0 0 ${size} 282`, role: "img", tabindex: "0",
      "aria-label": `${shown.title} from ${when(0)} UTC on, in ${plural(bins.length, "step")} of ` +
        `${duration(figures.width_ns)}; most, ${shown.format(sums[peak])}, at ${when(peak)} UTC. ` +
        "Arrow keys go from step to step, with Shift they select, Enter shows the flows of that time.",
    });
    const end = scale(largest);
    axes(chart, box, end, shown.format, [shown.title, isShort(length) ? `Time since ${when(0)} UTC` : "Time, UTC"]);
    drawSeries(chart, box, shown, width, end.end);
    for (const [at, text] of marks(start, length, box.right - box.left)) {
      const x = box.left + (at / figures.width_ns) * width;
      chart.append(svg("line", { class: "grid", x1: x, x2: x, y1: box.bottom, y2: box.bottom + 5 }),
        svg("text", { x, y: box.bottom + 18, "text-anchor": x > box.right - 40 ? "end" : "middle" }, text));
    }
    brush = svg("rect", { class: "brush", y: box.top, height: box.bottom - box.top, visibility: "hidden" });
    mark = svg("line", { class: "mark", y1: box.top, y2: box.bottom, visibility: "hidden" });
    chart.append(brush, mark);
    for (const [name, handler] of Object.entries(handlers)) chart.addEventListener(name, handler);
    area.replaceChildren(chart);
    if (said.textContent === "") told = peak;
    else tell(told);
    showBrush();
  }
  const units = Object.values(series).map((one) => {
    const button = html("button", { type: "button", "aria-pressed": String(one === shown) }, one.short);
    button.addEventListener("click", () => {
      shown = one;
      units.forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
      showUnit();
    });
    return button;
  });
  function showUnit() {
    legend.replaceChildren(...shown.classes.map(([name, title]) => html("span", {}, html("i", { class: name }), title)));
    draw(Math.max(CHART_MIN, area.clientWidth));
  }
  put("time",
    html("div", { class: "legend" }, html("span", { class: "units", role: "group", "aria-label": "Unit" }, ...units),
      legend, html("span", {}, `averaged over ${duration(figures.width_ns)}`), said),
    area,
    html("p", { class: "hint" }, `Drag over the chart, or click, to list the ${NOUNS.toLowerCase()} of that time.`),
    asTable(["From (UTC)", "Packets", ...series.bits.classes.map(([, title]) => `${title}, bit/s`)],
      bins.map((bin, i) => [when(i), count(bin[0]), ...series.bits.values[i].map((x) => count(Math.round(x)))])));
  showUnit();
  drawAsWide(area, draw);
  chosenChanged.push(showBrush);
  if (figures.far)
    put("time", html("p", {}, `${plural(figures.far, "packet")} with times far from all others are not drawn.`));
  if (figures.timeless)
    put("time", html("p", {}, `${plural(figures.timeless, "packet")} without a time are not drawn.`));
}

// Bars of a table: what they are of can be chosen. label: what stands there for a name.
const labels = {
  services: (service) => [service, " ", html("small", {}, serviceName(service))],
};

function drawBars(id, head, list, choiceOf, note) {
  if (list.length === 0) {
    document.getElementById(id).closest("section").hidden = true;
    return;
  }
  const most = Math.max(...list.map((x) => x[3]), 1);
  const label = labels[id] ?? ((name) => [html("bdi", {}, name)]);
  put(id, wide(head, html("table", {},
    html("thead", {}, html("tr", {}, html("th", { scope: "col" }, head), html("td", { class: "bar" }),
      ...[["Bytes"], ["Packets", " roomy"], [NOUNS]].map(([x, also = ""]) =>
        html("th", { scope: "col", class: `number${also}` }, x)))),
    html("tbody", {}, ...list.map(([name, flows, packets, wire]) => {
      const bar = html("i", { class: "tcp" }), button = html("button", { type: "button" }, ...label(name));
      bar.style.width = `${(100 * wire) / most}%`;
      const line = html("tr", {}, html("th", { scope: "row" }, button), html("td", { class: "bar" }, bar),
        html("td", { class: "number" }, bytes(wire)), html("td", { class: "number roomy" }, count(packets)),
        html("td", { class: "number" }, name === OTHER ? "" : count(flows)));
      makeChoice(button, choiceOf(name), line);
      return line;
    })))));
  if (note) put(id, html("p", { class: "hint" }, note));
}

// Buckets, [least, flows, packets, bytes], each up to where the next one begins, of which the last
// one is the end; three or more in a row without flows are one gap.
const nextOf = (buckets) => new Map(buckets.slice(1).map(([next], i) => [buckets[i][0], next]));
function slotsOf(buckets) {
  const slots = [];
  for (let i = 0; i < buckets.length; i++) {
    let empty = i;
    while (empty < buckets.length && buckets[empty][1] === 0) empty++;
    if (empty - i >= 3) {
      slots.push(null);
      i = empty;
    }
    slots.push(buckets[i]);
  }
  return slots;
}
const isRoundTime = (ns) => ns < 10e9 ? /^1/.test(ns) : [10, 60, 600, 3600, 36000, 86400].includes(ns / 1e9) ||
  (ns >= 864e12 && /^1/.test(ns / 864e11));

// Which buckets have a label below them: the first, round ones, and others where there is room.
function labelled(slots, width, isRound) {
  const NEAR = 58, found = [];
  const wanted = (i) => i === 0 || slots[i - 1] === null ? 0 : isRound(slots[i][0]) ? 1 : 2;
  const order = slots.map((_, i) => i).filter((i) => slots[i] !== null).sort((a, b) => wanted(a) - wanted(b) || a - b);
  for (const i of order)
    if (found.every((other) => Math.abs(other - i) * width >= NEAR)) found.push(i);
  return new Set(found);
}

function drawBuckets(id, all, format, isRound, kind, title, valueOf) {
  const buckets = all.slice(0, -1), next = nextOf(all);
  if (buckets.length === 0) {
    document.getElementById(id).closest("section").hidden = true;
    return;
  }
  const range = (least) => least === 0 ? format(0) : `${format(least)} to ${format(next.get(least))}`;
  const largest = Math.max(...buckets.map((x) => x[1]));
  const most = buckets.find((x) => x[1] === largest), end = scale(largest, true), slots = slotsOf(buckets);
  const area = html("div", { class: "chart" });
  const choiceOf = (least) => byRange(kind, `${kind} ${range(least)}`, least, next.get(least), valueOf);
  const skipped = slots.includes(null) ? [html("p", { class: "hint" }, "Empty ranges are skipped, at the dashed line.")] : [];
  put(id, area, ...skipped, asTable(["From", NOUNS, "Packets", "Bytes"],
    buckets.map(([least, ...sums]) => [format(least), ...sums.map(count)])));
  drawAsWide(area, (size) => {
    const box = { left: 56, right: size - 12, top: 26, bottom: 200 };
    const width = Math.min((box.right - box.left) / slots.length, BAR_MAX);
    const chart = svg("svg", {
      viewBox: `0 0 ${size} 242`, role: "group",
      "aria-label": `Number of ${NOUNS.toLowerCase()} by ${kind}; most, ${count(largest)}, have ${range(most[0])}.`,
    });
    axes(chart, box, end, count, [NOUNS, title]);
    const labels = labelled(slots, width, isRound);
    slots.forEach((bucket, i) => {
      const x = box.left + i * width;
      if (bucket === null) {
        chart.append(svg("line", { class: "mark", x1: x + width / 2, x2: x + width / 2, y1: box.top, y2: box.bottom }));
        return;
      }
      const [least, flows] = bucket, height = Math.max((flows / end.end) * (box.bottom - box.top), flows ? 1 : 0);
      const hit = svg("rect", { class: "hit", x, y: box.top, width, height: box.bottom - box.top });
      const bar = svg("g", { "aria-label": `${range(least)}: ${plural(flows, NOUN)}` },
        svg("title", {}, `${range(least)}: ${plural(flows, NOUN)}`), hit,
        svg("rect", { class: "tcp", x: x + 1, y: box.bottom - height, width: Math.max(width - 2, 1), height }));
      if (flows) makeChoice(bar, choiceOf(least));
      chart.append(bar);
      if (labels.has(i))
        chart.append(svg("text", { x, y: box.bottom + 18, "text-anchor": i === 0 ? "start" : "middle" }, format(least)));
    });
    area.replaceChildren(chart);
    showPressed();
  });
}
