"use strict";
const day = JSON.parse(document.getElementById("day").textContent);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const drawn = [];

function axes(unit) {
  const look = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
  return [{ ...look }, { ...look, label: unit, size: 64 }];
}

function plot(id, unit, x, lines, options) {
  const place = document.getElementById(id);
  const series = [{}].concat(lines.map((line) => ({
    label: line.label, stroke: colour(line.colour), width: 1.5, points: { show: false }, ...line.more,
    fill: line.fill ? colour(line.colour) + "40" : undefined,
  })));
  const look = { width: place.clientWidth, height: 280, series, axes: axes(unit), ...options };
  drawn.push([place, new uPlot(look, [x].concat(lines.map((line) => line.values)), place)]);
}

function draw() {
  for (const [, chart] of drawn.splice(0)) chart.destroy();
  const zone = { tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), day.timezone) };
  plot("power", "kW", day.at, [
    { label: "Grid", colour: "grid", values: day.grid, fill: true },
    { label: "Sun", colour: "sun", values: day.sun },
    { label: "Battery", colour: "battery", values: day.battery },
    { label: "Into cars", colour: "in", values: day.cars_in },
    { label: "Back from cars", colour: "out", values: day.cars_out },
    { label: "Building", colour: "building", values: day.building },
  ], zone);
  plot("soc", "%", day.at, [{ label: "Battery", colour: "battery", values: day.soc, fill: true }],
    { ...zone, scales: { y: { range: [0, 100] } } });
  plot("cars", "cars", day.at, [{ label: "Plugged in", colour: "in", values: day.connected, fill: true }], zone);
  plot("waits", "s", day.hours, [{ label: "95 of 100 wait at most", colour: "out", values: day.waits, fill: true,
    more: { paths: uPlot.paths.bars({ size: [0.6] }) } }], { scales: { x: { time: false }, y: { range: (_, lo, hi) => [0, Math.max(60, hi)] } } });
}

draw();
addEventListener("resize", () => { for (const [place, chart] of drawn) chart.setSize({ width: place.clientWidth, height: 280 }); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
