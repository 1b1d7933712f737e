/* Draws a chart (uPlot) above the `<details>` that holds each `<table data-chart>`, where its numbers are folded away.
   Without JavaScript the table is all there is, so it must be enough. Parts that htmx swaps in are drawn too.

   A page that has charts says in its head:
     <link rel="stylesheet" href="/static/uPlot.min.css">
     <link rel="stylesheet" href="/static/chart.css">
     <script src="/static/uPlot.iife.min.js" defer></script>
     <script src="/static/chart.js" defer></script>

   The table: a <caption> (the chart's name), a <thead> of one row, whose first <th> names x and each other one a
   series, and a <tbody> whose rows begin with x. A number is the cell's `data-value`, or else its text without commas;
   what is no number ("unknown", empty) is a gap, not zero.

   On the <table>:
     data-chart="line" | "bars"          bars of several series are stacked
     data-x="time" | "number" | "label"  what the first column holds; "time": Unix milliseconds in `data-value`, shown in
                                         UTC; "label" (as if left out): any text, in the order of the rows
     data-unit="ms"                      written behind the values
     data-scale="log"                    the y axis by powers of ten; what is not above 0 is a gap
     data-min="0" data-max="1"           y goes at least so far; y begins at 0 unless the scale is "log"
     data-mark="20" data-mark-name="..." a level drawn across the chart, and its name in the legend
     data-height="240"                   in CSS pixels
   On a <th> of the head:
     data-skip                           this column stays in the table only
     data-low="LOW" data-high="HIGH"     the series has an interval, from the columns with these names to those

   Colours are the console's CSS properties; each series of lines has a dash of its own too, and bars are told apart by
   the table, so that no chart rests on colour alone. */
"use strict";
(() => {
  const COLOURS = ["--a", "--b", "--c", "--d", "--bad", "--soft"];
  const NONE = "\u2013", DAY_S = 86_400;
  const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5], [14, 4]];
  const isDark = window.matchMedia("(prefers-color-scheme: dark)");
  const charts = new Map(); // by table

  function look(table) {
    const style = getComputedStyle(table);
    const own = (name) => style.getPropertyValue(name).trim();
    return { series: COLOURS.map(own), ground: own("--ground"), text: own("--text"), line: own("--line") };
  }

  const text = (cell) => (cell ? cell.textContent.trim() : "");

  function number(cell) {
    const written = cell && cell.dataset.value !== undefined ? cell.dataset.value : text(cell).replace(/,/g, "");
    const found = written === "" ? NaN : Number.parseFloat(written);
    return Number.isFinite(found) ? found : null;
  }

  function columns(table) {
    const heads = [...table.tHead.rows[0].cells];
    const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
    const column = (i) => rows.map((row) => number(row.cells[i]));
    const named = (name) => (name === undefined ? null : column(heads.findIndex((head) => text(head) === name)));
    const series = heads.slice(1).flatMap((head, i) => {
      if (head.dataset.skip !== undefined) return [];
      return [{ name: text(head), values: column(i + 1), low: named(head.dataset.low), high: named(head.dataset.high) }];
    });
    return { name: text(heads[0]), x: column(0), labels: rows.map((row) => text(row.cells[0])), series };
  }

  function shown(value, unit) {
    if (value === null || value === undefined) return NONE;
    const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 2 : 4;
    return value.toLocaleString("en", { maximumFractionDigits: digits }) + (unit ? ` ${unit}` : "");
  }

  function across(found, kind) {
    if (kind === "time") return found.x.map((at) => at / 1000);
    return kind === "number" ? found.x : found.labels.map((_, i) => i);
  }

  /* Each series on top of those that stand to the right of it. */
  function stacked(series) {
    const above = new Array(series.length);
    for (let i = series.length - 1; i >= 0; i--) {
      const under = above[i + 1] || series[i].values.map(() => 0);
      above[i] = series[i].values.map((value, row) => (value || 0) + under[row]);
    }
    return above.map((values) => values.map((value) => value || null)); // of nothing, no line is drawn either
  }

  function axes(given, found, colours) {
    const plain = { stroke: colours.text, grid: { stroke: colours.line, width: 1 }, ticks: { stroke: colours.line } };
    const x = { ...plain };
    if ((given.x || "label") === "label") {
      x.values = (_, at) => at.map((i) => (Number.isInteger(i) ? found.labels[i] || "" : ""));
      x.incrs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
    }
    if (given.x === "time") x.values = (_u, at, _i, _space, step) => moments(at, step);
    const y = { ...plain, size: 64, values: (_, at) => at.map((one) => (one === null ? "" : shown(one, given.unit))) };
    if (given.scale === "log") {
      const tens = (_, at) => at.map((one) => (Number.isInteger(Math.round(Math.log10(one) * 1e6) / 1e6) ? one : null));
      Object.assign(y, { filter: tens, grid: { ...y.grid, filter: tens }, ticks: { ...y.ticks, filter: tens } });
    }
    return [x, y];
  }

  /* Days, or times of day with the day where it changes; in UTC. */
  function moments(at, step) {
    const days = at.map((one) => new Date(one * 1000).toISOString().slice(5, 10));
    if (step >= DAY_S) return days;
    const times = at.map((one) => new Date(one * 1000).toISOString().slice(11, step < 60 ? 19 : 16));
    return times.map((time, i) => (i && days[i] === days[i - 1] ? time : `${time}\n${days[i]}`));
  }

  function yScale(given) {
    const low = Number.parseFloat(given.min), high = Number.parseFloat(given.max), mark = Number.parseFloat(given.mark);
    if (given.scale === "log") return { distr: 3 };
    const range = (_, least, most) => {
      const top = Math.max(...[most, high, mark].filter((one) => Number.isFinite(one)), 0);
      const bottom = Math.min(...[least, low, mark].filter((one) => Number.isFinite(one)), 0);
      const air = (top - bottom || 1) * 0.06;
      return [bottom < 0 ? bottom - air : bottom, top === high ? top : top + air];
    };
    return { range };
  }

  function seriesOf(found, given, colours) {
    const isBars = given.chart === "bars";
    return found.series.map((one, i) => {
      const colour = colours.series[i % colours.series.length];
      const value = (_u, _drawn, _s, row) => (row === null ? NONE : shown(one.values[row], given.unit));
      if (isBars) {
        const paths = uPlot.paths.bars({ size: [0.8, 48] });
        return { label: one.name, value, paths, fill: colour, stroke: colours.ground, width: 1, points: { show: false } };
      }
      const points = { show: one.values.length < 60, size: 5, fill: colour };
      return { label: one.name, value, stroke: colour, width: 2, dash: DASHES[i % DASHES.length], points };
    });
  }

  /* What is drawn: the data columns, their series, and the bands between lows and highs. */
  function drawing(found, given, colours) {
    const positive = (values) => (given.scale === "log" ? values.map((v) => (v > 0 ? v : null)) : values);
    const series = [{ label: found.name }, ...seriesOf(found, given, colours)];
    const drawn = given.chart === "bars" ? stacked(found.series) : found.series.map((one) => positive(one.values));
    const data = [across(found, given.x), ...drawn];
    const bands = [];
    const edge = (values, stroke) => {
      data.push(positive(values));
      return series.push({ stroke, width: 1, dash: [2, 4], points: { show: false }, class: "chart-edge" }) - 1;
    };
    found.series.forEach((one, i) => {
      if (!one.low || !one.high) return;
      const colour = colours.series[i % colours.series.length];
      const pair = [edge(one.high, colour), edge(one.low, colour)];
      bands.push({ series: pair, fill: `${colour}22` });
    });
    if (given.mark !== undefined) {
      const level = Number.parseFloat(given.mark);
      data.push(data[0].map(() => level));
      const value = () => shown(level, given.unit);
      series.push({ label: given.markName || "level", value, stroke: colours.text, width: 1, dash: [4, 4], points: { show: false } });
    }
    return { data, series, bands };
  }

  function draw(table, place) {
    const given = table.dataset, colours = look(table), found = columns(table);
    const { data, series, bands } = drawing(found, given, colours);
    if (given.x !== "time" && (given.x || "label") === "label") {
      series[0].value = (_u, _v, _s, row) => (row === null ? NONE : found.labels[row]);
    } else if (given.x === "time") {
      series[0].value = "{YYYY}-{MM}-{DD} {HH}:{mm}";
    }
    const size = { width: Math.max(place.clientWidth, 120), height: Number.parseInt(given.height || "240", 10) };
    const xRange = (_, low, high) => (given.chart === "bars" ? widened(data[0], low, high) : [low, high]);
    const scales = { x: { time: given.x === "time", range: xRange }, y: yScale(given) };
    const utc = (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC");
    const cursor = { drag: { x: false, y: false } };
    const chart = new uPlot({ ...size, scales, series, bands, axes: axes(given, found, colours), tzDate: utc, cursor }, data, place);
    place.querySelectorAll(".chart-edge").forEach((row) => { row.hidden = true; });
    return chart;
  }

  function widened(x, low, high) {
    const step = x.length > 1 ? (x[x.length - 1] - x[0]) / (x.length - 1) : 1;
    return [low - step / 2, high + step / 2];
  }

  function begin(table) {
    if (charts.has(table) || !table.tHead || !table.tBodies.length || !table.tBodies[0].rows.length) return;
    const place = document.createElement("div"), name = table.caption ? text(table.caption) : "Chart";
    place.className = "chart";
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", `${name}: a chart; its numbers are in the table below it`);
    table.closest("details").before(place);
    charts.set(table, { place, chart: draw(table, place) });
    new ResizeObserver(() => {
      const { chart } = charts.get(table) || {};
      if (chart && place.clientWidth && place.clientWidth !== chart.width) {
        chart.setSize({ width: place.clientWidth, height: chart.height });
      }
    }).observe(place);
  }

  function beginAll() {
    for (const [table, one] of charts) {
      if (!table.isConnected) {
        one.chart.destroy();
        charts.delete(table);
      }
    }
    document.querySelectorAll("table[data-chart]").forEach(begin);
  }

  isDark.addEventListener("change", () => {
    for (const [table, one] of charts) {
      one.chart.destroy();
      one.chart = draw(table, one.place);
    }
  });
  document.addEventListener("DOMContentLoaded", beginAll);
  document.addEventListener("htmx:afterSwap", beginAll); // in the same turn as the swap, so that nothing jumps
})();
