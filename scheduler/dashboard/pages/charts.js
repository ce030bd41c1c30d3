// The two charts of time and distribution, drawn with Chart.js.

import {bound, count, rate} from "./format.js";

const kAxisWidth = 52;

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Fixed, so that the plot does not jump when the numbers grow.
function keep_width(scale) {
  scale.width = kAxisWidth;
}

function count_tick(value) {
  return count(value);
}

// Colours are taken as they are now: a chart belongs to the theme it was made in.
function options(x, tooltip) {
  const quiet = color("--quiet");
  x.grid = {display: false, borderColor: color("--line")};
  x.ticks.color = quiet;
  return {
    animation: false,
    maintainAspectRatio: false,
    interaction: {mode: "index", intersect: false},
    scales: {
      x,
      y: {
        beginAtZero: true, stacked: x.stacked, suggestedMax: 4, afterFit: keep_width,
        grid: {drawTicks: false, drawBorder: false, color: color("--line")},
        ticks: {maxTicksLimit: 5, precision: 0, padding: 8, color: quiet, callback: count_tick},
      },
    },
    plugins: {
      legend: {align: "end", labels: {boxWidth: 10, boxHeight: 10, padding: 8, color: quiet}},
      tooltip,
    },
  };
}

function rates_chart(canvas) {
  const line = (label, name, fill) => ({
    label, fill, data: [], stack: "all", pointRadius: 0, borderWidth: 1.5, tension: 0.25,
    borderColor: color(name), backgroundColor: color(name) + "40",
  });
  const x = {
    type: "linear", min: -60, max: 0, stacked: true,
    ticks: {stepSize: 10, maxRotation: 0, callback: (value) => value === 0 ? "now" : value + " s"},
  };
  return new Chart(canvas, {
    type: "line",
    data: {datasets: [line("failed", "--bad", "origin"), line("done", "--accent", "-1")]},
    options: options(x, {callbacks: {
      title: (items) => Math.round(-items[0].parsed.x) + " s ago",
      label: (item) => item.dataset.label + ": " + rate(item.parsed.y) + " per second",
    }}),
  });
}

function durations_chart(canvas) {
  const bars = (label, name) => ({
    label, data: [], barPercentage: 0.95, categoryPercentage: 0.85, backgroundColor: color(name),
  });
  const x = {ticks: {maxRotation: 0, autoSkipPadding: 12}};
  return new Chart(canvas, {
    type: "bar",
    data: {
      labels: [],
      datasets: [bars("submit to outcome", "--accent"), bars("in the function", "--second")],
    },
    options: options(x, {callbacks: {title: (items) => "up to " + items[0].label}}),
  });
}

// The buckets between the first and the last that count anything in either histogram.
function filled_range(histograms) {
  const {latency, run} = histograms;
  let [first, last] = [Infinity, -1];
  latency.counts.forEach((one, i) => {
    if (one + (run.counts[i] || 0) === 0) return;
    first = Math.min(first, i);
    last = i;
  });
  return last < 0 ? [0, -1] : [first, last];
}

export class Charts {
  constructor(rates, durations) {
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    Chart.defaults.font.size = 11.5;
    const make = () => {
      for (const chart of [this.rates, this.durations]) chart?.destroy();
      this.rates = rates_chart(rates);
      this.durations = durations_chart(durations);
      if (this.status) this.update(this.status);
    };
    make();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", make);
  }

  update(status) {
    this.status = status;
    const points = (column) => status.rates.map(
        (one) => ({x: (one[0] - status.at) / 1000, y: one[column]}));
    this.rates.data.datasets[0].data = points(2);
    this.rates.data.datasets[1].data = points(1);
    this.rates.update("none");
    this.update_durations(status.histograms);
  }

  update_durations(histograms) {
    const [first, last] = filled_range(histograms);
    const {latency, run} = histograms;
    const labels = [];
    for (let i = first; i <= last; ++i) {
      labels.push(i < latency.upper.length ? bound(latency.upper[i]) : "more");
    }
    this.durations.data.labels = labels;
    this.durations.data.datasets[0].data = latency.counts.slice(first, last + 1);
    this.durations.data.datasets[1].data = run.counts.slice(first, last + 1);
    this.durations.update("none");
  }
}
