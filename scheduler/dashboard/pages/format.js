// Numbers and times as people read them. All times are milliseconds.

const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});

export function count(value) {
  if (value < 1e7) return whole.format(value);
  if (value < 1e10) return (value / 1e6).toFixed(2) + " M";
  return (value / 1e9).toFixed(2) + " G";
}

export function rate(value) {
  return value > 0 && value < 10 ? value.toFixed(1) : count(value);
}

// Three digits, as on a scale: 8.25 ms, 82.5 ms, 825 ms.
function digits(value) {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

export function duration(ms) {
  if (!(ms > 0)) return "–";
  if (ms < 0.9995) return digits(ms * 1000) + " µs";
  if (ms < 999.5) return digits(ms) + " ms";
  if (ms < 120000) return digits(ms / 1000) + " s";
  return age(ms);
}

// A bound of a histogram, short enough for an axis.
export function bound(ms) {
  const [value, unit] = ms < 1 ? [ms * 1000, "µs"] : ms < 1000 ? [ms, "ms"] : [ms / 1000, "s"];
  return String(Number(value.toPrecision(2))) + " " + unit;
}

export function age(ms) {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return seconds.toFixed(1) + " s";
  if (seconds < 120) return Math.floor(seconds) + " s";
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return minutes + " min";
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? hours + " h " + (minutes % 60) + " min" : Math.floor(hours / 24) + " days";
}

export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    ++unit;
  }
  return (unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)) + " " + units[unit];
}
