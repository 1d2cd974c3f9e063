// A small map of a table's shapes, drawn on a canvas.

/** `SRID=7855;POLYGON ((…))` as paths: `{ kind: "point" | "line" | "ring", at: [[x, y], …] }`. Arcs are drawn as chords. */
export function paths(text) {
  const found = [];
  let kind = "line";
  for (const [, word, numbers] of text.replace(/^SRID=\d+;/, "").matchAll(/([A-Z]+)|\(([-+\d.eE,\s]+)\)/g)) {
    if (word) {
      if (word.endsWith("POINT")) kind = "point";
      else if (word.endsWith("POLYGON")) kind = "ring";
      else if (word.endsWith("STRING") && kind !== "ring") kind = "line";
      else if (word === "GEOMETRYCOLLECTION") kind = "line";
      continue;
    }
    const places = numbers.split(",").map((pair) => pair.trim().split(/\s+/).slice(0, 2).map(Number))
      .filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
    if (places.length) found.push({ kind, at: places });
  }
  return found;
}

/** Shapes as arrays of paths; answers what is shown, in words. */
export function draw(canvas, shapes) {
  const style = getComputedStyle(document.documentElement);
  const [line, inside] = [style.getPropertyValue("--accent"), style.getPropertyValue("--fill")];
  const { width, height } = canvas.getBoundingClientRect();
  const ratio = window.devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const places = shapes.flat().flatMap((path) => path.at);
  if (!places.length || !width) return;
  let [left, bottom, right, top] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of places) {
    left = Math.min(left, x); right = Math.max(right, x);
    bottom = Math.min(bottom, y); top = Math.max(top, y);
  }
  // Degrees of longitude are shorter away from the equator.
  const isDegrees = left >= -180 && right <= 180 && bottom >= -90 && top <= 90;
  const squeeze = isDegrees ? Math.max(0.1, Math.cos((bottom + top) / 2 * Math.PI / 180)) : 1;
  const margin = 12;
  const scale = Math.min((width - 2 * margin) / ((right - left) * squeeze || 1e-9), (height - 2 * margin) / (top - bottom || 1e-9), 1e9);
  const middle = [(left + right) / 2, (bottom + top) / 2];
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.strokeStyle = line;
  pen.lineWidth = 1;
  const place = ([x, y]) => [width / 2 + (x - middle[0]) * squeeze * scale, height / 2 - (y - middle[1]) * scale];
  for (const shape of shapes) {
    const rings = shape.filter((path) => path.kind === "ring");
    pen.beginPath();
    for (const path of shape) {
      if (path.kind === "point") continue;
      path.at.forEach((at, index) => index ? pen.lineTo(...place(at)) : pen.moveTo(...place(at)));
    }
    if (rings.length) { pen.fillStyle = inside; pen.fill("evenodd"); }
    pen.stroke();
    pen.fillStyle = line;
    for (const [x, y] of shape.filter((path) => path.kind === "point").flatMap((path) => path.at.map(place))) {
      pen.fillRect(x - 2, y - 2, 4, 4);
    }
  }
}
