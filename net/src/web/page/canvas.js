// What both canvases need: device pixels, and the colours of the page's style sheet.

let colors;
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (colors = undefined));

/** The style sheet's colours, read again when the scheme changes. */
export function palette() {
  if (!colors) {
    const style = getComputedStyle(document.documentElement);
    const names = ["paper", "ink", "muted", "rule", "bid", "ask"];
    colors = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    colors.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  }
  return colors;
}

const sizes = new WeakMap();
const watcher = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) sizes.set(target, contentRect);
});

/** A cleared context in CSS pixels, sized to the canvas's place on the page. Asking the layout each frame would stall it. */
export function prepare(canvas) {
  if (!sizes.has(canvas)) {
    sizes.set(canvas, canvas.getBoundingClientRect());
    watcher.observe(canvas);
  }
  const { width, height } = sizes.get(canvas);
  const scale = Math.min(devicePixelRatio || 1, 3);
  const wide = Math.max(1, Math.round(width * scale));
  const high = Math.max(1, Math.round(height * scale));
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
