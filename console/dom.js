// Elements of the page. Text becomes text nodes only, so nothing that the API tells can become markup.

const SVG = "http://www.w3.org/2000/svg";

/** Makes an element; attributes that begin with "on" are handlers, null and false ones are left out. */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Makes an element of a drawing. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Makes a table whose rows are lists of cells; a cell is text, a node, or {number: text}. */
export function table(caption, heads, rows, attributes = {}) {
  const head = heads.map((each) => el("th", { scope: "col", class: isNumber(each) && "number" }, content(each)));
  const body = rows.map((row) => (row instanceof Node ? row : el("tr", {}, ...cells(row))));
  return el(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    el("table", attributes, el("caption", {}, caption), el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body)),
  );
}

/** Makes the cells of a row. */
export function cells(values) {
  return values.map((each) => el("td", { class: isNumber(each) && "number" }, content(each)));
}

const isNumber = (cell) => cell !== null && typeof cell === "object" && "number" in cell;
const content = (cell) => (isNumber(cell) ? cell.number : cell);

/** Makes a list of terms and what they are; pairs without a value are left out. */
export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", {}, ...known.flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]));
}

/** Makes a labeled input, select or text area; `control` is the element. */
export function field(label, control, hint) {
  control.id ||= `field-${(field.count = (field.count || 0) + 1)}`;
  const said = hint && el("small", { id: `${control.id}-hint` }, hint);
  if (said) control.setAttribute("aria-describedby", said.id);
  return el("div", { class: "field" }, el("label", { for: control.id }, label), control, said);
}

/** Makes a select of [value, text] pairs. */
export function select(name, options, chosen) {
  const made = options.map(([value, text]) => el("option", { value, selected: value === chosen }, text));
  return el("select", { name }, ...made);
}

/** Says something to people who see the page and to those who have it read to them. */
export function say(text) {
  document.getElementById("status").textContent = text;
}
