// Keeps the page live: asks for the status twice a second while the page is visible.

import {Charts} from "./charts.js";
import {age, count, duration, rate} from "./format.js";
import {TaskStream} from "./stream.js";
import {update_tables} from "./tables.js";

const kPeriod = 500;
const kRetry = 1000;
const kPatience = 5000;
// Pieces of timelines may reach the scheduler this late.
const kOverlap = 5000;

const at_id = (id) => document.getElementById(id);
const charts = new Charts(at_id("rates"), at_id("durations"));
const stream = new TaskStream(at_id("stream"), at_id("tooltip"), at_id("legend"),
                              at_id("stream-more"));
let last_at;
let timer;
let is_asking = false;

function show(id, text) {
  const node = at_id(id);
  if (node.textContent !== text) node.textContent = text;
}

function show_connection(is_live) {
  const text = is_live ? "live" : "scheduler not reachable, retrying";
  show("connection", text);
  at_id("connection").className = is_live ? "pill live" : "pill lost";
  at_id("main").classList.toggle("stale", !is_live);
}

function show_figures(status) {
  const {tasks, counters} = status;
  show("uptime", age(status.at));
  show("workers", count(status.workers.length));
  show("threads", count(status.workers.reduce((sum, one) => sum + one.threads, 0)));
  show("tasks-waiting", count(tasks.waiting));
  show("tasks-running", count(tasks.running));
  show("tasks-assigned", count(tasks.assigned));
  show("tasks-done", count(counters.done));
  show("tasks-submitted", count(counters.submitted));
  show("tasks-failed", count(counters.failed));
  at_id("tasks-failed").classList.toggle("some", counters.failed > 0);
  show("tasks-cancelled", count(counters.cancelled));
  show("throughput", rate(status.throughput));
  show("latency-p50", duration(status.latency.p50));
  show("latency-p99", duration(status.latency.p99));
  show("error-count", status.errors.length > 0 ? "the last " + status.errors.length : "");
}

async function ask() {
  const since = last_at === undefined ? "" : "?since=" + (last_at - kOverlap);
  const answer = await fetch("/api/v1/status" + since,
                             {cache: "no-store", signal: AbortSignal.timeout(kPatience)});
  if (!answer.ok) throw new Error("status " + answer.status);
  return answer.json();
}

// A scheduler that was started again counts its time anew: what was drawn is of another life.
async function ask_whole_after_restart() {
  const status = await ask();
  if (last_at === undefined || status.at >= last_at) return status;
  last_at = undefined;
  return ask();
}

function render(status) {
  const is_whole = last_at === undefined;
  last_at = status.at;
  at_id("loading").hidden = true;
  show_figures(status);
  charts.update(status);
  stream.update(status, is_whole);
  update_tables(status);
}

async function poll() {
  clearTimeout(timer);
  if (document.hidden || is_asking) return;
  is_asking = true;
  const status = await ask_whole_after_restart().catch(() => undefined);
  is_asking = false;
  timer = setTimeout(poll, status ? kPeriod : kRetry);
  show_connection(status !== undefined);
  if (status) {
    render(status);
  } else {
    // After a silence longer than the overlap the pieces in between would be missing.
    last_at = undefined;
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  last_at = undefined;
  poll();
});
poll();
