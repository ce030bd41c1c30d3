// The tables. Rows and cells are reused and touched only where something changed, so that a
// selection survives and nothing flickers.

import {age, bytes, count, duration} from "./format.js";

const kMaxRows = 200;

function set_text(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function element(tag, name, ...children) {
  const out = document.createElement(tag);
  out.className = name;
  out.append(...children);
  return out;
}

// A column is {name, make(cell), fill(cell, item)}; `make` is called once for each cell.
function text(value, name = "") {
  return {name, make() {}, fill: (cell, item) => set_text(cell, value(item))};
}

function number(value) {
  return text((item) => count(value(item)), "r");
}

function failures(value) {
  return {
    name: "r", make() {},
    fill(cell, item) {
      set_text(cell, count(value(item)));
      cell.classList.toggle("bad", value(item) > 0);
    },
  };
}

function named(value) {
  return {
    name: "name", make() {},
    fill(cell, item) {
      set_text(cell, value(item));
      cell.title = value(item);
    },
  };
}

// A bar of parts with a text beside it. `parts` gives [class, share] pairs, always as many.
function meter(name, caption, parts) {
  return {
    name,
    make(cell) {
      cell.append(element("div", "meter", element("div", "bar"), element("span", "")));
    },
    fill(cell, item) {
      const [bar, label] = cell.firstChild.children;
      set_text(label, caption(item));
      const wanted = parts(item);
      bar.hidden = wanted.length === 0;
      while (bar.children.length < wanted.length) bar.append(element("i", ""));
      wanted.forEach(([kind, share], i) => {
        bar.children[i].className = kind;
        bar.children[i].style.width = (100 * Math.min(1, Math.max(0, share))).toFixed(1) + "%";
      });
    },
  };
}

function error_column() {
  return {
    name: "wrap",
    make: (cell) => cell.append(element("span", "type"), element("div", "clamp")),
    fill(cell, item) {
      const [type, what] = cell.children;
      set_text(type, item.type || item.kind.replaceAll("_", " "));
      set_text(what, item.text);
      what.title = item.text;
    },
  };
}

function fill_table(table, columns, items, status) {
  const body = table.tBodies[0];
  const shown = items.slice(0, kMaxRows);
  const section = table.closest("section");
  section.querySelector(".empty").hidden = items.length > 0;
  table.parentElement.hidden = items.length === 0;
  while (body.rows.length > shown.length) body.deleteRow(-1);
  while (body.rows.length < shown.length) {
    const row = body.insertRow();
    for (const column of columns) {
      const cell = row.insertCell();
      cell.className = column.name;
      column.make(cell);
    }
  }
  shown.forEach((item, i) => columns.forEach(
      (column, j) => column.fill(body.rows[i].cells[j], {...item, now: status.at})));
}

function load_parts(worker) {
  const share = worker.threads > 0 ? worker.cpu / worker.threads : 0;
  return [["fill", share]];
}

function memory_parts(worker) {
  if (worker.memory_limit === 0) return [];
  const share = worker.memory / worker.memory_limit;
  return [[share > 0.9 ? "hot" : "fill", share]];
}

function progress_parts(plan) {
  const all = Math.max(1, plan.waiting + plan.assigned + plan.done + plan.failed);
  return [["fill", plan.done / all], ["lost", plan.failed / all], ["soft", plan.assigned / all]];
}

function progress_text(plan) {
  const all = plan.waiting + plan.assigned + plan.done + plan.failed;
  if (all === 0) return "–";
  const share = 100 * (plan.done + plan.failed) / all;
  return (share < 100 ? Math.min(99.9, share).toFixed(1) : "100") + " %";
}

// "gpu 1.5 of 2": what tasks take.
function resources_text(worker) {
  const all = Object.entries(worker.resources);
  if (all.length === 0) return "–";
  const amount = (name, value) => name === "memory" ? bytes(value) : String(Number(value.toFixed(3)));
  return all.map(([name, {has, free}]) =>
      name + " " + amount(name, has - free) + " of " + amount(name, has)).join("\n");
}

function assigned_text(worker) {
  return count(worker.assigned) + (worker.waiting > 0 ? " (" + count(worker.waiting) + " wait)" : "");
}

function place_text(program) {
  if (program.failed > 0) return "failed on " + count(program.failed) + ": " + program.failure;
  if (program.failure !== "") return "did not come: " + program.failure;
  if (program.running > 0) return "running on " + count(program.running);
  return {client: "offered", coming: "on its way", here: "here"}[program.place];
}

const program_columns = [
  named((one) => one.name),
  text((one) => one.sha256.slice(0, 8)),
  text((one) => bytes(one.size), "r"),
  number((one) => one.clients),
  text(place_text, "wrap"),
];

const worker_columns = [
  named((one) => one.name + (one.leaving ? " (leaving)" : "")),
  number((one) => one.threads),
  meter("wide", (one) => one.cpu.toFixed(2) + " cores", load_parts),
  meter("wide", (one) => bytes(one.memory) +
        (one.memory_limit > 0 ? " of " + bytes(one.memory_limit) : ""), memory_parts),
  text(resources_text, "resources"),
  text(assigned_text, "r"),
  number((one) => one.done),
  failures((one) => one.failed),
  text((one) => age(one.now - one.heard) + " ago", "r"),
];

const plan_columns = [
  named((one) => one.label),
  meter("widest", progress_text, progress_parts),
  number((one) => one.waiting),
  number((one) => one.assigned),
  number((one) => one.done),
  failures((one) => one.failed),
  text((one) => duration(one.mean_run), "r"),
];

const client_columns = [
  named((one) => one.name),
  number((one) => one.waiting),
  number((one) => one.assigned),
  number((one) => one.done),
  failures((one) => one.failed),
  text((one) => age(one.now - one.joined), "r"),
];

const error_columns = [
  text((one) => age(one.now - one.at) + " ago", "r"),
  error_column(),
  text((one) => one.task),
  text((one) => one.worker || "–"),
  text((one) => one.attempt > 0 ? String(one.attempt) : "–", "r"),
];

export function update_tables(status) {
  const table = (id) => document.getElementById(id);
  fill_table(table("worker-table"), worker_columns, status.workers, status);
  const none_has_any = status.workers.every((one) => Object.keys(one.resources).length === 0);
  table("worker-table").classList.toggle("without-resources", none_has_any);
  fill_table(table("plan-table"), plan_columns, status.plans, status);
  fill_table(table("client-table"), client_columns, status.clients, status);
  fill_table(table("program-table"), program_columns, status.programs, status);
  table("programs").hidden = status.programs.length === 0 && status.hosts === 0;
  set_text(table("host-count"), count(status.hosts) + (status.hosts === 1 ? " host" : " hosts"));
  fill_table(table("error-table"), error_columns, [...status.errors].reverse(), status);
}
