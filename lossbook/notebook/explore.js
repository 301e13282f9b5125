for (const root of document.querySelectorAll(".lossbook-explorer:not([data-ready])")) {
  const packed = root.querySelector("script[type='application/json']");
  if (!packed) continue;
  root.dataset.ready = "";
  const { names, texts, grid, frames, limits, widths, tall, reach } = JSON.parse(packed.textContent);
  const inputs = [...root.querySelectorAll("input")], outputs = [...root.querySelectorAll("output")];
  const panels = [...root.querySelectorAll(".panels > svg")], last = inputs.length - 1;
  const across = (k, x) => (x - grid[0]) / (grid[grid.length - 1] - grid[0]) * widths[k];
  const down = (k, y) => Math.min(Math.max((limits[k][1] - y) / (limits[k][1] - limits[k][0]) * tall, -9 * tall), 9 * tall);
  const set = (element, values) => {
    for (const [name, value] of Object.entries(values))
      element.setAttribute(name, typeof value === "number" ? value.toFixed(1) : value);
  };
  const path = (k, ys) => ys.map((y, i) => y === null ? "" :
    (i && ys[i - 1] !== null ? "L" : "M") + across(k, grid[i]).toFixed(1) + " " + down(k, y).toFixed(1)).join("");
  const draw = () => {
    const chosen = inputs.map(input => +input.value), at = chosen[last];
    const frame = frames[chosen.slice(0, last).reduce((n, i, k) => n * texts[k].length + i, 0)];
    panels.forEach((panel, k) => {
      const x = across(k, grid[at]), y = down(k, frame[k][at] ?? 0), v = frame[k][at];
      set(panel.querySelector(".curve"), { d: path(k, frame[k]) });
      set(panel.querySelector(".probe"), { x1: x, x2: x });
      set(panel.querySelector("circle"),
        { cx: x, cy: y, visibility: v !== null && v >= limits[k][0] && v <= limits[k][1] ? "visible" : "hidden" });
    });
    const [value, slope] = frame.map(ys => ys[at]), x = across(0, grid[at]), y = down(0, value ?? 0);
    const steep = (slope ?? 0) * (grid[grid.length - 1] - grid[0]) / (limits[0][1] - limits[0][0]) * tall / widths[0];
    const dx = reach / Math.hypot(1, steep), dy = dx * steep;
    set(panels[0].querySelector(".tangent"), { x1: x - dx, y1: y + dy, x2: x + dx, y2: y - dy,
      visibility: value === null || slope === null ? "hidden" : "visible" });
    const words = chosen.map((i, k) => texts[k][i]), say = v => v === null ? "not finite" : String(v);
    inputs.forEach((input, k) => { input.setAttribute("aria-valuetext", words[k]); outputs[k].value = words[k]; });
    const set_to = names.slice(0, last).map((name, k) => `${name} = ${words[k]}`).join(", ");
    root.querySelector(".summary").textContent = (set_to && `with ${set_to}, `) +
      `at ${names[last]} = ${words[last]} the value is ${say(value)} and the slope is ${say(slope)}.`;
  };
  inputs.forEach(input => input.addEventListener("input", draw));
  root.querySelector(".sliders").hidden = false;
}
