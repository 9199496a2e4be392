"use strict";
const plots = JSON.parse(document.getElementById("plots").textContent);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const colours = { plan: "in", "plan-as-told": "building", "plan-v2g": "battery", foresight: "ink", "foresight-v2g": "ink", fcfs: "sun",
  "round-robin": "grid", edf: "out", llf: "soft", uncontrolled: "bad" };
const drawn = [];

function axis(label, size) {
  const line = { stroke: colour("line"), width: 1 };
  return { stroke: colour("soft"), grid: line, ticks: line, label, size };
}

function draw() {
  for (const [, chart] of drawn.splice(0)) chart.destroy();
  plots.forEach((plot, number) => {
    const place = document.getElementById("plot-" + number);
    const names = Object.keys(plot.lines);
    const series = names.map((name) => ({
      label: name, stroke: colour(colours[name] || "soft"), width: name.startsWith("plan") ? 2.5 : 1.2,
      dash: name.startsWith("foresight") ? [6, 4] : undefined, points: { show: plot.x.length < 20 },
    }));
    const look = { width: place.clientWidth, height: 320, scales: { x: { time: false } }, series: [{ label: plot.label }].concat(series),
      axes: [axis(plot.label, 50), axis(plot.unit, 70)] };
    drawn.push([place, new uPlot(look, [plot.x].concat(names.map((name) => plot.lines[name])), place)]);
  });
}

draw();
addEventListener("resize", () => { for (const [place, chart] of drawn) chart.setSize({ width: place.clientWidth, height: 320 }); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
