// What was chosen: rows of the table have to fit all of it.

const chosen = new Map(); // by kind, hosts also by address: { kind, value, text, fits }
const chosenChanged = []; // what else follows it
let choices = []; // what can be chosen: [element, key, value]
const keyOf = (kind, value) => kind === "host" ? `host ${value}` : kind;

// What was chosen already is let go.
function choose(choice) {
  const key = keyOf(choice.kind, choice.value);
  if (chosen.get(key)?.value === choice.value) chosen.delete(key);
  else chosen.set(key, choice);
  showChosen();
}
const fitsChosen = (row) => [...chosen.values()].every(({ fits }) => fits(row));

// An element becomes a button that chooses. area: what can be clicked besides.
function makeChoice(element, choice, area = element) {
  choices.push([element, keyOf(choice.kind, choice.value), choice.value]);
  fill(element, { "aria-pressed": "false" }, []);
  area.classList.add("choice");
  area.addEventListener("click", () => choose(choice));
  if (element instanceof SVGElement) {
    fill(element, { role: "button", tabindex: "0" }, []);
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose(choice);
    });
  }
  return element;
}

function showPressed() {
  choices = choices.filter(([element]) => element.isConnected); // charts are drawn anew
  for (const [element, key, value] of choices)
    element.setAttribute("aria-pressed", String(chosen.get(key)?.value === value));
}

function showChosen() {
  const bar = document.getElementById("chosen");
  filterRows();
  showPressed();
  for (const changed of chosenChanged) changed();
  bar.hidden = chosen.size === 0;
  const removal = (key, text) => {
    const button = html("button", { type: "button", title: "Remove this filter" }, html("bdi", {}, text), " ×");
    button.addEventListener("click", () => {
      chosen.delete(key);
      showChosen();
    });
    return button;
  };
  const clear = html("button", { type: "button" }, "Clear");
  clear.addEventListener("click", () => {
    chosen.clear();
    showChosen();
  });
  bar.replaceChildren(
    html("a", { href: "#h-flows" }, `${count(state.order.length)} of ${plural(rows.length, "row")}`),
    ...[...chosen].map(([key, { text }]) => removal(key, text)), clear);
}

const byHost = (address) => ({ kind: "host", value: address, text: address,
  fits: (row) => cell(row, "src") === address || cell(row, "dst") === address });
const byService = (service) => ({ kind: "service", value: service, text: `${service} ${serviceName(service)}`,
  fits: (row) => serviceOf(row) === service });
const byProtocol = (name) => ({ kind: "protocol", value: name, text: name,
  fits: (row) => name === OTHER ? !isFlow(row) : isFlow(row) && (cell(row, "proto") ?? "any") === name });
const byRange = (kind, text, least, next, valueOf) => ({ kind, value: least, text,
  fits: (row) => isFlow(row) && valueOf(row) >= least && valueOf(row) < next });
const byTime = (text, first, last, from, to) => ({ kind: "time", value: `${first}-${last}`, first, last, text,
  fits: (row) => cell(row, "first") !== null && cell(row, "first") < to && cell(row, "last") >= from });
