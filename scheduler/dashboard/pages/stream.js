// The task stream: a row for each worker thread, a bar for each piece of work, time flowing left.

import {age, count, duration} from "./format.js";

const kWindow = 30000;
const kRow = 17;
const kBar = 13;
const kGroupGap = 7;
const kAxis = 24;
const kMaxRows = 64;
// Pieces arrive with the polls; drawn a little late, they enter at the edge instead of inside.
const kLag = 700;
const kPalette = ["#4585d6", "#1f9d8f", "#d18f1e", "#8468cf", "#5c9b45", "#c763a1", "#2f9cc0",
                  "#a27a52", "#77869b", "#8f9a2c"];

export class TaskStream {
  constructor(canvas, tooltip, legend, more) {
    Object.assign(this, {canvas, tooltip, legend, more});
    this.rows = [];  // {id, worker, thread, top, spans: [[begin, length, label, tasks, failed]]}
    this.known = new Map();   // id -> spans
    this.colors = new Map();  // label -> colour, given in the order of appearance
    this.height = 110;
    this.gutter = 110;
    canvas.addEventListener("pointermove", (event) => this.hover(event));
    canvas.addEventListener("pointerleave", () => this.leave());
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.draw_legend();
      this.draw();
    });
    this.schedule();
  }

  schedule() {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (calm) return;
    requestAnimationFrame(() => {
      this.draw();
      this.schedule();
    });
  }

  // `is_whole`: the status carries all pieces, not only those since the last one.
  update(status, is_whole) {
    this.at = status.at;
    this.received = performance.now();
    for (const plan of status.plans) this.color(plan.label);
    const known = new Map();
    this.rows = [];
    let threads = 0;
    let top = 4;
    for (const worker of status.workers) {
      if (threads > 0 && this.rows.length < kMaxRows) top += kGroupGap;
      for (let thread = 0; thread < worker.threads; ++thread, ++threads) {
        if (this.rows.length >= kMaxRows) continue;
        const id = worker.id + "/" + thread;
        const spans = this.merged(is_whole ? [] : this.known.get(id) || [],
                                  worker.timeline[thread] || [], status.labels);
        known.set(id, spans);
        this.rows.push({id, worker: worker.name, thread, top, spans});
        top += kRow;
      }
    }
    this.known = known;
    this.set_height(Math.max(110, top + kAxis));
    this.more.hidden = threads <= kMaxRows;
    this.more.textContent = "and " + count(threads - kMaxRows) + " more threads";
    this.draw();
  }

  // What came is all there is from its first piece on; older pieces are the ones known before.
  merged(before, came, labels) {
    const named = came.map((one) => [one[0], one[1], labels[one[2]], one[3], one[4]]);
    for (const one of named) this.color(one[2]);
    const begin = named.length > 0 ? named[0][0] : Infinity;
    const oldest = this.at - kWindow - 2000;
    return before.filter((one) => one[0] < begin && one[0] + one[1] > oldest).concat(named);
  }

  color(label) {
    if (!this.colors.has(label)) {
      this.colors.set(label, kPalette[this.colors.size % kPalette.length]);
      this.draw_legend();
    }
    return this.colors.get(label);
  }

  draw_legend() {
    const entries = [...this.colors].slice(0, 12).concat([["failed", this.style("--bad")]]);
    this.legend.replaceChildren(...entries.map(([label, color]) => {
      const entry = document.createElement("span");
      const swatch = document.createElement("i");
      swatch.style.background = color;
      entry.append(swatch, label);
      return entry;
    }));
  }

  style(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  set_height(height) {
    if (height === this.height) return;
    this.height = height;
    this.canvas.style.height = height + "px";
  }

  now() {
    return this.at + Math.min(performance.now() - this.received, 1500) - kLag;
  }

  x_of(time, now) {
    return this.gutter + (time - now + kWindow) / kWindow * (this.width - this.gutter);
  }

  draw() {
    this.width = this.canvas.clientWidth;
    if (this.at === undefined || this.width === 0) return;
    this.gutter = this.width < 640 ? 76 : 130;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    const ctx = this.canvas.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, this.width, this.height);
    ctx.font = "11.5px " + getComputedStyle(document.body).fontFamily;
    ctx.textBaseline = "middle";
    const now = this.now();
    this.draw_grid(ctx);
    ctx.save();
    ctx.beginPath();
    ctx.rect(this.gutter, 0, this.width - this.gutter, this.height - kAxis);
    ctx.clip();
    for (const row of this.rows) this.draw_row(ctx, row, now);
    ctx.restore();
    this.draw_names(ctx);
    if (this.pointer) this.show_tooltip(now);
  }

  draw_grid(ctx) {
    ctx.strokeStyle = this.style("--line");
    ctx.fillStyle = this.style("--quiet");
    ctx.lineWidth = 1;
    const bottom = this.height - kAxis + 4;
    for (let ago = 30; ago >= 0; ago -= 5) {
      const x = Math.round(this.x_of(-ago * 1000, 0)) - 0.5;
      ctx.beginPath();
      ctx.moveTo(x, 0);
      ctx.lineTo(x, bottom);
      ctx.stroke();
      ctx.textAlign = ago === 0 ? "right" : ago === 30 ? "left" : "center";
      ctx.fillText(ago === 0 ? "now" : "-" + ago + " s", x, bottom + 10);
    }
  }

  draw_row(ctx, row, now) {
    const failed = this.style("--bad");
    for (const [begin, length, label, , has_failed] of row.spans) {
      const left = this.x_of(begin, now);
      const width = Math.max(1.5, this.x_of(begin + length, now) - left - 0.5);
      if (left + width < this.gutter) continue;
      ctx.fillStyle = has_failed ? failed : this.color(label);
      if (width > 5) {
        ctx.beginPath();
        ctx.roundRect(left, row.top, width, kBar, 2.5);
        ctx.fill();
      } else {
        ctx.fillRect(left, row.top, width, kBar);
      }
    }
  }

  draw_names(ctx) {
    ctx.textAlign = "left";
    if (this.rows.length === 0) {
      ctx.fillStyle = this.style("--quiet");
      ctx.textAlign = "center";
      ctx.fillText("No worker is connected.", this.width / 2, (this.height - kAxis) / 2);
    }
    for (const row of this.rows) {
      ctx.fillStyle = this.style(row.thread === 0 ? "--text" : "--quiet");
      ctx.textAlign = "left";
      const middle = row.top + kBar / 2 + 0.5;
      if (row.thread === 0) ctx.fillText(this.fitted(ctx, row.worker), 0, middle);
      ctx.textAlign = "right";
      ctx.fillStyle = this.style("--quiet");
      ctx.fillText(row.thread, this.gutter - 8, middle);
    }
  }

  fitted(ctx, text) {
    const room = this.gutter - 28;
    if (ctx.measureText(text).width <= room) return text;
    let length = text.length;
    while (length > 1 && ctx.measureText(text.slice(0, length) + "…").width > room) --length;
    return text.slice(0, length) + "…";
  }

  hover(event) {
    const box = this.canvas.getBoundingClientRect();
    this.pointer = {x: event.clientX - box.left, y: event.clientY - box.top};
    if (this.at !== undefined) this.show_tooltip(this.now());
  }

  leave() {
    this.pointer = undefined;
    this.tooltip.hidden = true;
  }

  span_at({x, y}, now) {
    const row = this.rows.find((one) => y >= one.top && y < one.top + kRow);
    if (!row || x < this.gutter) return [];
    const hit = row.spans.findLast((one) => this.x_of(one[0], now) - 1 <= x &&
                                            this.x_of(one[0] + one[1], now) + 2 >= x);
    return [row, hit];
  }

  show_tooltip(now) {
    const [row, hit] = this.span_at(this.pointer, now);
    this.tooltip.hidden = !hit;
    if (!hit) return;
    const [begin, length, label, tasks, has_failed] = hit;
    const title = document.createElement("b");
    title.textContent = label + (has_failed ? (tasks > 1 ? ": some failed" : ": failed") : "");
    const lines = [row.worker + ", thread " + row.thread,
                   duration(length) + (tasks > 1 ? ", " + count(tasks) + " tasks" : ""),
                   "began " + age(this.at - begin) + " ago"];
    this.tooltip.replaceChildren(title, lines.join("\n"));
    const left = Math.min(this.pointer.x + 14, this.width - this.tooltip.offsetWidth - 4);
    this.tooltip.style.left = Math.max(0, left) + "px";
    this.tooltip.style.top = this.pointer.y + 16 + "px";
  }
}
